import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { listen, until } from './support/events.mjs';
import { Scene, connection, flush, subscribed } from './support/scene.mjs';

const scene = Scene.ofFile({ activity_timeout: 1 });

test('client_connects_and_gets_a_socket_id', async (t) => {
  const client = scene.client(t);
  const states = listen(client.connection, 'state_change');
  await connection(client);
  assert.deepEqual(states.unread, [{ previous: 'connecting', current: 'connected' }]);
  assert.match(client.connection.socket_id, /^\d+\.\d+$/);
});

test('every_client_has_a_socket_id_of_its_own', async (t) => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => scene.connected(t)));
  assert.equal(new Set(clients.map((client) => client.connection.socket_id)).size, clients.length);
});

test('client_that_disconnects_can_connect_again', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'again');
  const first = client.connection.socket_id;
  client.disconnect();
  await scene.subscribers('again', 0);
  const success = listen(channel, 'pusher:subscription_succeeded');
  client.connect();
  await success.next();
  assert.notEqual(client.connection.socket_id, first);
  await flush(scene.sdk, channel);
});

test('client_that_pings_gets_a_pong', async (t) => {
  const client = await scene.connected(t, { activityTimeout: 300 });
  const messages = listen(client.connection, 'message');
  assert.deepEqual((await messages.take(2)).map((message) => message.event), ['pusher:pong', 'pusher:pong']);
  assert.equal(client.connection.state, 'connected');
});

test('server_pings_a_client_that_only_listens', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'ticker');
  const messages = listen(client.connection, 'message');
  // What arrives keeps the client from pinging by itself, and is no activity in the eyes of the server.
  await until('two pings', async () => {
    await scene.sdk.trigger('ticker', 'tick', {});
    await sleep(100);
    return messages.unread.filter(({ event }) => event === 'pusher:ping').length === 2;
  });
  await flush(scene.sdk, channel);
});
