// The application's own web server, as Laravel would be one: it knows its users, signs what they may subscribe to and who
// they are, and serves the application's pages. A user is known by the bearer token, which is the name here. Ids of
// members are integers, as database keys are; who signs in is known by name, since those ids are strings by definition.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';

export const USERS = {
  alice: { user_id: 1, user_info: { name: 'Alice' } },
  bob: { user_id: 2, user_info: { name: 'Bob' } },
  zoe: { user_id: 3, user_info: { name: 'Zoë 🦊 "the fox" \u2028 東京' } },
};

export class Backend {
  #http;

  /** Serves `endpoint` and `userEndpoint`, signing with the given server SDK, and pages: { path: script's URL or HTML }. */
  static async start(sdk, pages = {}) {
    const backend = new Backend();
    backend.#http = http.createServer((request, response) => answer(sdk, pages, request, response));
    await once(backend.#http.listen(0, '127.0.0.1'), 'listening');
    backend.url = `http://127.0.0.1:${backend.#http.address().port}`;
    backend.endpoint = `${backend.url}/broadcasting/auth`;
    backend.userEndpoint = `${backend.url}/broadcasting/user-auth`;
    return backend;
  }

  stop() {
    this.#http.closeAllConnections();
    this.#http.close();
  }
}

async function answer(sdk, pages, request, response) {
  const sign = { '/broadcasting/auth': authorization, '/broadcasting/user-auth': authentication }[request.url];
  if (!sign) {
    await page(pages[request.url], response);
    return;
  }
  const name = request.headers.authorization?.replace('Bearer ', '');
  const signed = name in USERS ? await sign(sdk, name, new URLSearchParams(await body(request))) : null;
  response.writeHead(signed ? 200 : 403, { 'Content-Type': 'application/json' });
  response.end(signed ? JSON.stringify(signed) : 'Forbidden');
}

/** What the user may subscribe to. */
function authorization(sdk, name, form) {
  const channel = form.get('channel_name');
  if (channel.endsWith('-forbidden'))
    return null;
  const member = channel.startsWith('presence-') ? USERS[name] : undefined;
  return sdk.authorizeChannel(form.get('socket_id'), channel, member);
}

/** Who the user is, with an eye on all the others. */
function authentication(sdk, name, form) {
  const watchlist = Object.keys(USERS).filter((other) => other !== name);
  return sdk.authenticateUser(form.get('socket_id'), { id: name, user_info: USERS[name].user_info, watchlist });
}

async function page(source, response) {
  if (source === undefined) {
    response.writeHead(404).end();
    return;
  }
  const isFile = source instanceof URL;
  response.writeHead(200, { 'Content-Type': isFile ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8' });
  response.end(isFile ? await readFile(source) : source);
}

async function body(request) {
  let text = '';
  for await (const bytes of request.setEncoding('utf8'))
    text += bytes;
  return text;
}
