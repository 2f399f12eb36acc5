// Runs the cells of some SDKs as tests, one app of the server for each cell, and keeps what came out for the table.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import PusherClient from 'pusher-js';

import { Backend, USERS } from '../support/backend.mjs';
import { EventQueue } from '../support/events.mjs';
import { Receiver } from '../support/receiver.mjs';
import { APP, Server } from '../support/server.mjs';
import { NodePusherDriver } from './node_pusher.mjs';
import { Player, inProcess } from './player.mjs';
import { PusherJsDriver } from './pusher_js.mjs';
import { cellsOf, columnOf, documentedColumn, keepResult, lack } from './table.mjs';

const ENCRYPTION_KEY = Buffer.alloc(32, 'key').toString('base64');

const NODE_PUSHER = inProcess(() => new NodePusherDriver());
const PUSHER_JS = inProcess((report) => new PusherJsDriver(PusherClient, report));

/** Declares the tests of these SDKs (sdks.mjs). */
export function declareMatrix(sdks, settings = {}) {
  const apps = sdks.map((sdk, i) => appsOf(sdk, 1000 * (i + 1)));
  const receiver = new Receiver();
  let server;
  before(async () => {
    await receiver.open();
    sdks.forEach((sdk, i) => addWebhook(apps[i].webhook, receiver));
    server = await Server.start({ apps: apps.flatMap((of) => Object.values(of)), ...settings });
  });
  after(() => {
    receiver.close();
    return server?.stop();
  });
  sdks.forEach((sdk, i) => {
    describe(sdk.title, () => declareColumn(sdk, (name, t) => open(t, sdk, server, receiver, apps[i][name])));
  });
}

/** The cell about webhooks has one; clients' libraries have no such cell. */
function addWebhook(app, receiver) {
  if (app)
    app.webhooks = [{ url: receiver.url(`/${app.key}`), event_types: ['channel_occupied'] }];
}

/** An app for each cell. Some libraries insist on ids that are numbers, as Pusher's are. */
function appsOf(sdk, firstId) {
  return Object.fromEntries(Object.keys(cellsOf(sdk)).map((name, i) => [name, {
    ...APP,
    id: String(firstId + i),
    key: `${sdk.id}.${name}`,
    enable_user_authentication: true,
    enable_watchlist_events: true,
  }]));
}

function declareColumn(sdk, openFor) {
  const outcome = {};
  for (const [name, cell] of Object.entries(cellsOf(sdk))) {
    const isThere = lack(sdk, name) === undefined;
    outcome[name] = isThere ? 'failed' : 'lacking';
    if (isThere)
      test(name, async (t) => {
        await cell.run(await openFor(name, t));
        outcome[name] = 'passed';
      });
  }
  if (!process.env.SDK_MATRIX_WRITES)
    test('compatibility_document_says_what_ran', () => {
      assert.deepEqual(documentedColumn(sdk), columnOf(sdk, outcome));
    });
  after(() => keepResult(sdk, outcome));
}

/** What a cell plays with: api, a player of a server library, join(user), which makes one of a client library, and the
 * requests of webhooks that come. */
async function open(t, sdk, server, receiver, app) {
  const { host, port } = server;
  const isClient = sdk.kind === 'client';
  const api = await playing(t, isClient ? NODE_PUSHER : sdk.open);
  await api.do('open', { host, port, appId: app.id, key: app.key, secret: app.secret, encryptionKey: ENCRYPTION_KEY });
  const backend = await Backend.start({
    authorizeChannel: (socketId, channel, member) => api.do('authorize', { socketId, channel, member }),
    authenticateUser: (socketId, user) => api.do('authenticate', { socketId, user }),
  }, sdk.pages);
  t.after(() => backend.stop());

  const join = async (user, { key = app.key } = {}) => {
    const player = await playing(t, isClient ? sdk.open : PUSHER_JS, backend);
    player.socketId = await player.do('connect', {
      host, port, key, secret: app.secret, endpoint: backend.endpoint, userEndpoint: backend.userEndpoint,
      headers: { Authorization: `Bearer ${user}` }, member: USERS[user],
    });
    return player;
  };
  return { api, join, requests: new EventQueue(receiver.at(`/${app.key}`), 'request') };
}

async function playing(t, open, backend) {
  const player = await Player.of((report) => open(report, backend));
  t.after(() => player.close());
  return player;
}
