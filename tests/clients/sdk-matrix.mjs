#!/usr/bin/env node
// Runs every column of the SDK matrix, prints it, and writes it into docs/compatibility.md if no column is missing:
//     make sdk-matrix
//
// The columns of JavaScript are part of the test suite as well; here come the other languages too, each where its toolchain
// is. The server is $SOCKUDO, else build/release/sockudo.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { whyNoBrowser } from './matrix/browser.mjs';
import { LANGUAGES, missingTool } from './matrix/languages.mjs';
import { CHROMIUM, NODE_SDKS } from './matrix/sdks.mjs';
import { forgetResults, keptResult, notesOf, tableOf, writeSection } from './matrix/table.mjs';

const FILES = ['sdks.test.mjs', 'browser.test.mjs', 'matrix/languages.test.mjs'];
const SDKS = [...NODE_SDKS, CHROMIUM, ...LANGUAGES.flatMap((language) => language.sdks)];
const KINDS = { client: 'Client libraries', server: 'Server libraries' };

function run() {
  const { status } = spawnSync('node', ['--test', '--test-reporter=spec', ...FILES], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, SDK_MATRIX_WRITES: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

/** The two tables of what ran, and the notes. */
function section(entries) {
  const parts = [];
  for (const [kind, title] of Object.entries(KINDS)) {
    const ofKind = entries.filter(([sdk]) => sdk.kind === kind);
    parts.push(`### ${title}`, tableOf(ofKind), notesOf(ofKind.map(([sdk]) => sdk)));
  }
  return parts.join('\n\n');
}

/** Why columns are missing: one line for each. */
function reasons() {
  const ofLanguages = LANGUAGES.map((language) => [language.name, missingTool(language)]).filter(([, tool]) => tool);
  const lines = ofLanguages.map(([name, tool]) => `${name}: there is no ${tool}`);
  const browser = whyNoBrowser();
  return browser ? [...lines, `${CHROMIUM.title}: ${browser}`] : lines;
}

forgetResults();
const isGood = run();
const entries = SDKS.map((sdk) => [sdk, keptResult(sdk)]).filter(([, outcome]) => outcome);
const text = section(entries);
console.log(`\n${text}\n`);
if (entries.length === SDKS.length)
  writeSection(text);
else
  console.log(['docs/compatibility.md stays as it is, for columns are missing:', ...reasons()].join('\n  '));
process.exitCode = isGood ? 0 : 1;
