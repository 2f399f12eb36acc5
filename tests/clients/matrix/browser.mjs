// A Chromium without a window, told what to do over a pipe (the DevTools protocol, one JSON text and a NUL per message),
// and pages of it that are drivers (player.mjs): each client is a tab of its own that loads the library as a web site
// would. A browser ends with the tests; its profile is a new folder that goes away with it.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const PROGRAM = 'chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run',
  '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-extensions',
  '--disable-sync', '--metrics-recording-only', '--remote-debugging-pipe',
];
const END_MS = 5_000;

/** Why there is no browser, or null. */
export function whyNoBrowser() {
  return spawnSync(PROGRAM, ['--version']).error ? `there is no ${PROGRAM}` : null;
}

export class Browser {
  #process;
  #profile;
  #log = '';
  #received = '';
  #lastId = 0;
  #answers = new Map();
  #listeners = new Map();

  static async start() {
    const browser = new Browser();
    browser.#profile = await mkdtemp(path.join(os.tmpdir(), 'sockudo-browser-'));
    browser.#process = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${browser.#profile}`], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    browser.#process.stderr.on('data', (bytes) => { browser.#log += bytes; });
    browser.#process.stdio[4].setEncoding('utf8').on('data', (text) => browser.#receive(text));
    browser.#process.once('exit', () => browser.#fail());
    await browser.#ask('Browser.getVersion');
    return browser;
  }

  async stop() {
    const ended = once(this.#process, 'exit');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    this.#ask('Browser.close').catch(() => {});
    await ended;
    clearTimeout(timer);
    await rm(this.#profile, { recursive: true, maxRetries: 5, retryDelay: 100 });
  }

  /**
   * Opens a page in a tab. What it gives to report() goes to the given function; what it defines as `driver` is called by
   * the function that is returned. The driver's close() closes the tab.
   */
  async driver(url, report) {
    const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true });
    const loaded = new Promise((resolve) => this.#listeners.set(`${sessionId} Page.loadEventFired`, resolve));
    this.#listeners.set(`${sessionId} Runtime.bindingCalled`, ({ payload }) => report(JSON.parse(payload)));
    for (const [method, params] of [['Page.enable'], ['Runtime.enable'], ['Runtime.addBinding', { name: 'report' }]])
      await this.#ask(method, params, sessionId);
    await this.#ask('Page.navigate', { url }, sessionId);
    await loaded;
    return async (what, args) => {
      if (what === 'close') {
        await this.#ask('Target.closeTarget', { targetId });
        return undefined;
      }
      return await this.#evaluate(sessionId, `driver.${what}(${JSON.stringify(args)})`);
    };
  }

  async #evaluate(sessionId, expression) {
    const answer = await this.#ask(
      'Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId,
    );
    if (answer.exceptionDetails)
      throw new Error(answer.exceptionDetails.exception?.description ?? answer.exceptionDetails.text);
    return answer.result.value;
  }

  #ask(method, params = {}, sessionId = undefined) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { method, resolve, reject });
      this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  #receive(text) {
    const messages = (this.#received + text).split('\0');
    this.#received = messages.pop();
    for (const message of messages)
      this.#take(JSON.parse(message));
  }

  #take({ id, method, params, sessionId, result, error }) {
    if (id === undefined) {
      this.#listeners.get(`${sessionId} ${method}`)?.(params);
      return;
    }
    const { method: asked, resolve, reject } = this.#answers.get(id);
    this.#answers.delete(id);
    if (error)
      reject(new Error(`${asked}: ${error.message}`));
    else
      resolve(result);
  }

  #fail() {
    for (const { method, reject } of this.#answers.values())
      reject(new Error(`the browser ended before it answered ${method}\n${this.#log.slice(-4000)}`));
    this.#answers.clear();
  }
}
