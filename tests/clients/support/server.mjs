// The server under test: a process of its own with a configuration file and a port of its own. It can be stopped and
// started again on that port, and its end is checked: a crash or a sanitizer's report is a failure of the suite.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.SOCKUDO ?? fileURLToPath(new URL('../../../build/release/sockudo', import.meta.url));
const HOST = '127.0.0.1';
const START_MS = 10_000;
const STOP_MS = 10_000;

export const APP = { id: 'app-id', key: 'app-key', secret: 'app-secret', enabled: true, enable_client_messages: true };

export class Server {
  #folder;
  #process = null;
  #log = '';

  /** Starts a server for these apps; settings are further keys of the configuration file. */
  static async start({ apps = [APP], ...settings } = {}) {
    const server = new Server();
    server.host = HOST;
    server.port = await freePort();
    server.isTls = Boolean(settings.ssl?.enabled);
    server.#folder = await mkdtemp(path.join(os.tmpdir(), 'sockudo-clients-'));
    await writeFile(server.#configFile, JSON.stringify({
      host: HOST,
      port: server.port,
      workers: 2,
      shutdown_grace_period: 1,
      rate_limiter: { enabled: false },
      ...settings,
      app_manager: { driver: 'memory', array: { apps } },
    }));
    await server.launch();
    return server;
  }

  /** Starts the process and waits until it answers. */
  async launch() {
    this.#process = spawn(BINARY, ['--config', this.#configFile], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (bytes) => { this.#log += bytes; });
    await once(this.#process, 'spawn');
    const deadline = Date.now() + START_MS;
    while (!(await this.#answers())) {
      if (this.#hasEnded || Date.now() > deadline) {
        this.#process.kill('SIGKILL');
        throw this.#failure('the server did not start');
      }
      await sleep(10);
    }
  }

  /** Asks the server to stop and waits for its end, which must be a good one. */
  async halt() {
    await this.#end('SIGTERM');
    if (this.#process.exitCode !== 0)
      throw this.#failure(`the server ended with ${this.#process.exitCode ?? this.#process.signalCode}`);
  }

  /** Ends the process without a word to anybody, as a power cut would. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /** Stops the server for good. */
  async stop() {
    try {
      await this.halt();
    } finally {
      await rm(this.#folder, { recursive: true });
    }
  }

  get #configFile() {
    return path.join(this.#folder, 'config.json');
  }

  get #hasEnded() {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async #end(signal) {
    const ended = this.#hasEnded ? null : once(this.#process, 'exit');
    this.#process.kill(signal);
    if (await Promise.race([ended, sleep(STOP_MS, 'late', { ref: false })]) === 'late') {
      this.#process.kill('SIGKILL');
      throw this.#failure(`the server was still there ${STOP_MS} ms after ${signal}`);
    }
  }

  async #answers() {
    try {
      return (await fetch(`${this.isTls ? 'https' : 'http'}://${HOST}:${this.port}/live`)).ok;
    } catch {
      return false;
    }
  }

  #failure(what) {
    return new Error(`${what}\n${this.#log.slice(-8000)}`);
  }
}

/** A port that nobody listens on, below those that the system gives to outgoing connections. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = net.createServer();
    try {
      await once(probe.listen(port, HOST), 'listening');
      return port;
    } catch (error) {
      if (error.code !== 'EADDRINUSE')
        throw error;
    } finally {
      probe.close();
    }
  }
}
