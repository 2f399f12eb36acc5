// The application's side of webhooks: takes what comes, and shows it.

import { once } from 'node:events';
import http from 'node:http';

export class Receiver {
  #http;
  #listeners = new Map();

  async open() {
    this.#http = http.createServer(async (request, response) => {
      let rawBody = '';
      for await (const bytes of request.setEncoding('utf8'))
        rawBody += bytes;
      response.end();
      this.#listeners.get(request.url)?.({ headers: request.headers, rawBody });
    });
    await once(this.#http.listen(0, '127.0.0.1'), 'listening');
  }

  url(path) {
    return `http://127.0.0.1:${this.#http.address().port}${path}`;
  }

  /** What an EventQueue can listen to: requests to this path. */
  at(path) {
    return { name: `the receiver at ${path}`, bind: (name, listener) => this.#listeners.set(path, listener) };
  }

  close() {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}
