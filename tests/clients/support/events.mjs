// Waiting for what a client tells. A queue is opened before the action whose effect is awaited, so that nothing can be
// missed, and a wait that is too long fails with the name of what did not come.

import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 5_000;

/** The events of one name (or of all: null) that a channel, a connection or a client emits, in their order. */
export class EventQueue {
  #waiting = [];
  #unread = [];
  #what;

  constructor(emitter, name) {
    this.#what = `${emitter.name ?? 'the connection'}: ${name ?? 'any event'}`;
    if (name === null)
      emitter.bind_global((event, data) => this.#put({ event, data }));
    else
      emitter.bind(name, (data, metadata) => this.#put({ event: name, data, metadata }));
  }

  /** Those that nobody has taken yet. */
  get unread() {
    return this.#unread.map((entry) => entry.data);
  }

  /** The data of the next event. */
  async next(waitMs) {
    return (await this.nextEvent(waitMs)).data;
  }

  /** The next event: { event, data, metadata }. */
  nextEvent(waitMs = WAIT_MS) {
    if (this.#unread.length > 0)
      return Promise.resolve(this.#unread.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.shift();
        reject(new Error(`${this.#what} did not come within ${waitMs} ms`));
      }, waitMs);
      this.#waiting.push((entry) => {
        clearTimeout(timer);
        resolve(entry);
      });
    });
  }

  /** The data of the next so many events. */
  async take(count) {
    const all = [];
    while (all.length < count)
      all.push(await this.next());
    return all;
  }

  #put(entry) {
    const waiting = this.#waiting.shift();
    if (waiting)
      waiting(entry);
    else
      this.#unread.push(entry);
  }
}

/** Opens a queue of events. */
export function listen(emitter, name = null) {
  return new EventQueue(emitter, name);
}

/** Waits until the condition, which may be asynchronous, holds. */
export async function until(what, condition) {
  const deadline = Date.now() + WAIT_MS;
  while (!(await condition())) {
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${WAIT_MS} ms`);
    await sleep(5);
  }
}
