import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, answerOf, flush, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const scene = Scene.ofFile();

test('event_reaches_every_subscriber_of_a_public_channel', async (t) => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => scene.connected(t)));
  const channels = await Promise.all(clients.map((client) => subscribed(client, 'news')));
  const queues = channels.map((channel) => listen(channel, 'headline'));
  assert.deepEqual(await answerOf(scene.sdk.trigger('news', 'headline', { title: 'Rain' })), { ok: true });
  for (const queue of queues)
    assert.deepEqual(await queue.next(), { title: 'Rain' });
  await flush(scene.sdk, ...channels);
  assert.ok(queues.every((queue) => queue.unread.length === 0));
});

test('client_gets_no_events_of_channels_that_it_is_not_subscribed_to', async (t) => {
  const client = await scene.connected(t);
  const channel = await subscribed(client, 'mine');
  const all = listen(client);
  await scene.sdk.trigger(['theirs', 'Mine', 'mine-too'], 'secret', {});
  await flush(scene.sdk, channel);
  assert.deepEqual(all.unread.length, 1);
});

test('event_to_many_channels_reaches_each_of_them', async (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
  const client = await scene.connected(t);
  const channels = await Promise.all(names.map((name) => subscribed(client, name)));
  const queues = channels.map((channel) => listen(channel, 'all'));
  await scene.sdk.trigger(names, 'all', { n: 100 });
  for (const queue of queues)
    assert.deepEqual(await queue.next(), { n: 100 });
  await flush(scene.sdk, channels[0], channels[99]);
  assert.ok(queues.every((queue) => queue.unread.length === 0));
});

test('event_does_not_reach_the_socket_that_is_excluded', async (t) => {
  const [origin, other] = await Promise.all([scene.connected(t), scene.connected(t)]);
  const channels = await Promise.all([origin, other].map((client) => subscribed(client, 'edits')));
  const [own, others] = channels.map((channel) => listen(channel, 'edit'));
  await scene.sdk.trigger(['edits', 'elsewhere'], 'edit', 1, { socket_id: origin.connection.socket_id });
  assert.equal(await others.next(), 1);
  await flush(scene.sdk, ...channels);
  assert.deepEqual(own.unread, []);
});

test('batch_arrives_in_its_order_and_each_event_excludes_its_own_socket', async (t) => {
  const [one, two] = await Promise.all([scene.connected(t), scene.connected(t)]);
  const channels = await Promise.all([one, two].map((client) => subscribed(client, 'batch')));
  await subscribed(one, 'batch-b');
  const [first, second] = [listen(one), listen(two)];
  const answer = await answerOf(scene.sdk.triggerBatch([
    { channel: 'batch', name: 'e1', data: { n: 1 } },
    { channel: 'batch-b', name: 'e2', data: 'two' },
    { channel: 'batch', name: 'e3', data: [3], socket_id: one.connection.socket_id },
    { channel: 'batch', name: 'e4', data: 4 },
  ]));
  assert.deepEqual(answer, {});
  await flush(scene.sdk, ...channels);
  assert.deepEqual(first.unread, [{ n: 1 }, 'two', 4, {}]);
  assert.deepEqual(second.unread, [{ n: 1 }, [3], 4, {}]);
});

test('publisher_is_told_how_many_listen', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  await Promise.all(['counted', 'presence-counted'].map((name) => subscribed(client, name)));
  const info = 'subscription_count,user_count';
  const answer = await answerOf(scene.sdk.trigger(['counted', 'presence-counted', 'void'], 'x', {}, { info }));
  assert.equal(answer.channels.counted.subscription_count, 1);
  assert.equal(answer.channels.counted.user_count, undefined);
  assert.equal(answer.channels['presence-counted'].user_count, 1);
  assert.equal(answer.channels['presence-counted'].subscription_count, 1);
  assert.equal(answer.channels.void.subscription_count, 0);
  const batch = await answerOf(scene.sdk.triggerBatch([
    { channel: 'counted', name: 'x', data: {}, info: 'subscription_count' },
    { channel: 'counted', name: 'x', data: {} },
  ]));
  assert.equal(batch.batch[0].subscription_count, 1);
  assert.deepEqual(batch.batch[1], {});
});

test('data_arrives_as_it_was_given', async (t) => {
  const samples = [
    { nested: { list: [1, 2.5, -3e10, true, null], empty: {} } }, [], 'plain text', '', 12.5, true, null,
    'quote " backslash \\ slash / tab \t newline \n nul \0 delete \x7f', 'Zoë 🦊 東京 \u2028 \u2029 \ufeff \uffff',
    { 'ключ "x"': '🇪🇺', '': '' }, '\ud800 alone',
  ];
  const client = await scene.connected(t);
  const queue = listen(await subscribed(client, 'samples'), 'sample');
  for (const sample of samples) {
    await scene.sdk.trigger('samples', 'sample', sample);
    assert.deepEqual(await queue.next(), sample);
  }
});

test('names_of_channels_and_events_arrive_as_they_were_given', async (t) => {
  const name = 'Aa0_-=@,.;' + 'x'.repeat(190);
  const client = await scene.connected(t);
  const channel = await subscribed(client, name);
  const all = listen(channel);
  const events = [
    'événement 🦊', 'App\\Events\\OrderShipped', 'with "quotes" and / and \n', 'x'.repeat(200), ' ', 'client-x',
  ];
  for (const event of events) {
    await scene.sdk.trigger(name, event, {});
    assert.equal((await all.nextEvent()).event, event);
  }
});

test('unsubscribed_client_gets_nothing_more_and_may_come_back', async (t) => {
  const client = await scene.connected(t);
  const rest = await subscribed(client, 'rest');
  const left = await subscribed(client, 'left');
  const queue = listen(left, 'x');
  client.unsubscribe('left');
  await scene.subscribers('left', 0);
  const messages = listen(client.connection, 'message');
  await scene.sdk.trigger('left', 'x', 1);
  await flush(scene.sdk, rest);
  assert.equal(messages.unread.length, 1);

  const back = listen(await subscribed(client, 'left'), 'x');
  await scene.sdk.trigger('left', 'x', 2);
  assert.equal(await back.next(), 2);
  assert.deepEqual(queue.unread, []);
});

test('five_hundred_events_of_a_channel_arrive_in_their_order', async (t) => {
  const count = 500;
  const expected = Array.from({ length: count }, (_, i) => i);
  const clients = await Promise.all(Array.from({ length: 4 }, () => scene.connected(t)));
  const queues = await Promise.all(clients.map(async (client) => listen(await subscribed(client, 'ordered'), 'n')));
  const sdk = scene.sdkOf(APP, { agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) });
  t.after(() => sdk.config.agent.destroy());
  await Promise.all(expected.map((n) => sdk.trigger('ordered', 'n', n)));
  for (const queue of queues)
    assert.deepEqual(await queue.take(count), expected);
});

test('connection_carries_two_hundred_channels', async (t) => {
  const names = Array.from({ length: 200 }, (_, i) => `lane-${i}`);
  const client = await scene.connected(t);
  const channels = await Promise.all(names.map((name) => subscribed(client, name)));
  const queues = channels.map((channel) => listen(channel, 'x'));
  for (let i = 0; i < names.length; i += 10)
    await scene.sdk.triggerBatch(names.slice(i, i + 10).map((channel) => ({ channel, name: 'x', data: channel })));
  for (const [i, queue] of queues.entries())
    assert.equal(await queue.next(), names[i]);
  const answer = await answerOf(scene.sdk.get({ path: '/channels', params: { filter_by_prefix: 'lane-' } }));
  assert.deepEqual(Object.keys(answer.channels).sort(), [...names].sort());
  client.disconnect();
  await scene.subscribers('lane-199', 0);
});

test('api_connection_is_kept_for_the_next_request', async (t) => {
  const agent = new http.Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const sdk = scene.sdkOf(APP, { agent });
  const ports = new Set();
  agent.on('free', (socket) => ports.add(socket.localPort));
  for (let i = 0; i < 10; i++) {
    await answerOf(sdk.trigger('kept', 'x', i));
    await answerOf(sdk.get({ path: '/channels' }));
  }
  assert.equal(ports.size, 1);
});
