// The matrix on paper. Each run of an SDK leaves its outcome in build/sdk-matrix/; the section of docs/compatibility.md is
// made from these, and the tests of an SDK compare its column there with what they found.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { CLIENT_CELLS, SERVER_CELLS } from './cells.mjs';

const RESULTS = new URL('../../../build/sdk-matrix/', import.meta.url);
const DOCUMENT = new URL('../../../docs/compatibility.md', import.meta.url);
const BEGIN = '<!-- SDK matrix: begin (written by `make sdk-matrix`) -->';
const END = '<!-- SDK matrix: end -->';
const MARKS = { passed: '✓', failed: '✗', lacking: '–' };

/** The cells of an SDK's kind: { name: cell }. */
export function cellsOf(sdk) {
  return sdk.kind === 'client' ? CLIENT_CELLS : SERVER_CELLS;
}

/** Why an SDK has no such cell, or undefined. */
export function lack(sdk, name) {
  return sdk.lacks?.[name];
}

// What came out

export function forgetResults() {
  rmSync(RESULTS, { recursive: true, force: true });
}

/** Keeps the outcome of an SDK: { cell: passed, failed or lacking }. */
export function keepResult(sdk, outcome) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(resultFile(sdk), JSON.stringify(outcome));
}

/** The kept outcome of an SDK, or null. */
export function keptResult(sdk) {
  try {
    return JSON.parse(readFileSync(resultFile(sdk)));
  } catch (error) {
    if (error.code === 'ENOENT')
      return null;
    throw error;
  }
}

function resultFile(sdk) {
  return new URL(`${sdk.id}.json`, RESULTS);
}

// The tables

/** The column of an SDK: title, version, marks. */
export function columnOf(sdk, outcome) {
  return [sdk.title, sdk.version, ...Object.keys(cellsOf(sdk)).map((name) => MARKS[outcome[name]])];
}

/** A table of SDKs of one kind, each with its outcome: [[sdk, outcome]]. */
export function tableOf(entries) {
  const words = Object.values(cellsOf(entries[0][0])).map((cell) => cell.words);
  const columns = [['', 'version', ...words], ...entries.map(([sdk, outcome]) => columnOf(sdk, outcome))];
  const widths = columns.map((column) => Math.max(...column.map((text) => text.length)));
  const rows = columns[0].map((_, i) => columns.map((column, j) => column[i].padEnd(widths[j])));
  rows.splice(1, 0, widths.map((width) => '-'.repeat(width)));
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Why there are dashes: one line for each reason. */
export function notesOf(sdks) {
  const notes = new Map();
  for (const sdk of sdks) {
    const names = Object.keys(cellsOf(sdk)).filter((name) => lack(sdk, name));
    for (const reason of new Set(names.map((name) => lack(sdk, name)))) {
      const words = names.filter((name) => lack(sdk, name) === reason).map((name) => cellsOf(sdk)[name].words);
      const note = `${reason} (${words.join(', ')})`;
      notes.set(note, [...(notes.get(note) ?? []), sdk.title]);
    }
  }
  return [...notes].map(([note, titles]) => `- ${titles.join(', ')}: ${note}`).join('\n');
}

// The document

/** The column of an SDK as the document has it; undefined if it has none. */
export function documentedColumn(sdk) {
  const [, section] = parts();
  for (const table of section.split('\n\n').filter((text) => text.startsWith('|'))) {
    const rows = table.trim().split('\n').map((line) => line.slice(1, -1).split('|').map((text) => text.trim()));
    const at = rows[0].indexOf(sdk.title);
    if (at >= 0)
      return [rows[0], ...rows.slice(2)].map((row) => row[at]);
  }
  return undefined;
}

/** Replaces what the document says of the matrix. */
export function writeSection(text) {
  const [before, , rest] = parts();
  writeFileSync(DOCUMENT, `${before}\n\n${text}\n\n${rest}`);
}

/** The document: before the section, the section, what follows. */
function parts() {
  const document = readFileSync(DOCUMENT, 'utf8');
  const [start, end] = [document.indexOf(BEGIN) + BEGIN.length, document.indexOf(END)];
  if (start < BEGIN.length || end < start)
    throw new Error(`${DOCUMENT.pathname} has no place for the SDK matrix`);
  return [document.slice(0, start), document.slice(start, end).trim(), document.slice(end)];
}
