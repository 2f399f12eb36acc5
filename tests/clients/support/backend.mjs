// The application's own web server, as Laravel would be one: it knows its users and signs what they may subscribe to.
// A user is known by the bearer token, which is the name here. Ids are integers, as database keys are.

import { once } from 'node:events';
import http from 'node:http';

export const USERS = {
  alice: { user_id: 1, user_info: { name: 'Alice' } },
  bob: { user_id: 2, user_info: { name: 'Bob' } },
  zoe: { user_id: 3, user_info: { name: 'Zoë 🦊 "the fox" \u2028 東京' } },
};

export class Backend {
  #http;

  /** Serves `endpoint`, signing with the given server SDK. */
  static async start(sdk) {
    const backend = new Backend();
    backend.#http = http.createServer((request, response) => answer(sdk, request, response));
    await once(backend.#http.listen(0, '127.0.0.1'), 'listening');
    backend.endpoint = `http://127.0.0.1:${backend.#http.address().port}/broadcasting/auth`;
    return backend;
  }

  stop() {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function answer(sdk, request, response) {
  const user = USERS[request.headers.authorization?.replace('Bearer ', '')];
  const form = new URLSearchParams(await body(request));
  const channel = form.get('channel_name');
  if (!user || channel.endsWith('-forbidden')) {
    response.writeHead(403).end('Forbidden');
    return;
  }
  const member = channel.startsWith('presence-') ? user : undefined;
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(sdk.authorizeChannel(form.get('socket_id'), channel, member)));
}

async function body(request) {
  let text = '';
  for await (const bytes of request.setEncoding('utf8'))
    text += bytes;
  return text;
}
