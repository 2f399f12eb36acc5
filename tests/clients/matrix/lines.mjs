// Drivers (player.mjs) that are programs of other languages. A line of JSON each: { id, do, args } goes in; { id, answer },
// { id, error } and what the client reports come out. The end of its input is the end of a program.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';

const END_MS = 3_000;

/** Opens a program as a driver. */
export function program(command, args) {
  return (report) => {
    const lines = new Lines(spawn(command, args, { stdio: 'pipe' }), report);
    return (what, values) => (what === 'close' ? lines.end() : lines.ask(what, values));
  };
}

class Lines {
  #process;
  #report;
  #log = '';
  #lastId = 0;
  #answers = new Map();
  #ended;

  constructor(process, report) {
    this.#process = process;
    this.#report = report;
    this.#ended = once(process, 'close').then(() => this.#fail());
    process.stderr.on('data', (bytes) => { this.#log += bytes; });
    process.stdin.on('error', () => {}); // its end is noticed above
    readline.createInterface({ input: process.stdout }).on('line', (line) => this.#take(JSON.parse(line)));
  }

  ask(what, args) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { what, resolve, reject });
      this.#process.stdin.write(`${JSON.stringify({ id, do: what, args })}\n`);
    });
  }

  async end() {
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #take({ id, answer, error, ...event }) {
    if (id === undefined) {
      this.#report(event);
      return;
    }
    const { what, resolve, reject } = this.#answers.get(id);
    this.#answers.delete(id);
    if (error === undefined)
      resolve(answer);
    else
      reject(new Error(`${what}: ${error}\n${this.#log.slice(-4000)}`));
  }

  #fail() {
    for (const { what, reject } of this.#answers.values())
      reject(new Error(`the program ended before it answered ${what}\n${this.#log.slice(-4000)}`));
    this.#answers.clear();
  }
}
