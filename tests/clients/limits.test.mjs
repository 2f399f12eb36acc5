import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, connection, flush, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const KIB = 1024;

const scene = Scene.ofFile({ apps: [{ ...APP, max_event_payload_in_kb: 100, max_event_batch_size: 10 }] });

test('data_at_the_limit_arrives_and_a_byte_more_is_refused_with_413', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'large');
  const queue = listen(channel, 'x');
  const quoted = '"'.repeat(100 * KIB); // twice as long on the wire
  const wide = '🦊'.repeat((100 * KIB) / 4);
  for (const data of [quoted, wide]) {
    await scene.sdk.trigger('large', 'x', data);
    assert.equal(await queue.next(), data);
    await assert.rejects(scene.sdk.trigger('large', 'x', data + '.'), { status: 413 });
  }
  await flush(scene.sdk, channel);
  assert.deepEqual(queue.unread, []);
});

test('batch_above_the_limit_is_refused_as_a_whole', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'batches');
  const queue = listen(channel, 'n');
  const events = (count) => Array.from({ length: count }, (_, i) => ({ channel: 'batches', name: 'n', data: i }));
  await assert.rejects(scene.sdk.triggerBatch(events(11)), { status: 400 });
  await scene.sdk.triggerBatch(events(10));
  await flush(scene.sdk, channel);
  assert.equal(queue.unread.length, 10);
});

test('batch_with_one_bad_event_is_refused_as_a_whole', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'halves');
  const queue = listen(channel, 'x');
  const events = [{ channel: 'halves', name: 'x', data: 1 }, { channel: 'not/a/channel', name: 'x', data: 2 }];
  await assert.rejects(scene.sdk.triggerBatch(events), { status: 400 });
  await flush(scene.sdk, channel);
  assert.deepEqual(queue.unread, []);
});

test('client_event_near_the_limit_of_a_message_arrives', async (t) => {
  const clients = [await scene.connected(t, { user: 'alice' }), await scene.connected(t, { user: 'bob' })];
  const [sender, receiver] = await Promise.all(clients.map((client) => subscribed(client, 'private-large')));
  const queue = listen(receiver, 'client-x');
  const text = 'é'.repeat(31 * KIB);
  sender.trigger('client-x', { text });
  assert.deepEqual(await queue.next(), { text });
});

test('client_whose_message_is_too_large_is_cut_off_and_comes_back', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  const channel = await subscribed(client, 'private-giant');
  const again = listen(channel, 'pusher:subscription_succeeded');
  const first = client.connection.socket_id;
  channel.trigger('client-x', 'x'.repeat(70 * KIB));
  await again.next();
  await connection(client);
  assert.notEqual(client.connection.socket_id, first);
  await flush(scene.sdk, channel);
});

test('subscription_to_a_bad_name_is_refused_with_4300', async (t) => {
  const client = await scene.connected(t);
  const errors = listen(client.connection, 'error');
  for (const name of ['with space', 'slash/slash', 'x'.repeat(201), 'é']) {
    client.subscribe(name);
    assert.equal((await errors.next()).data.code, 4300);
  }
  assert.equal(client.connection.state, 'connected');
});
