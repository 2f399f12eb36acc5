import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, flush, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const MUTE = { ...APP, id: 'mute', key: 'mute-key', enable_client_messages: false };
const SLOW = { ...APP, id: 'slow', key: 'slow-key', max_client_events_per_second: 3 };

const scene = Scene.ofFile({ apps: [APP, MUTE, SLOW] });

/** Clients of these users, all subscribed to the channel. */
async function meet(t, name, users, app = APP) {
  const sdk = scene.sdkOf(app);
  return await Promise.all(users.map(async (user, i) => {
    const customHandler = ({ socketId, channelName }, done) => {
      const member = channelName.startsWith('presence-') ? { user_id: i + 1, user_info: { user } } : undefined;
      done(null, sdk.authenticate(socketId, channelName, member));
    };
    const client = await scene.connected(t, { key: app.key, channelAuthorization: { customHandler } });
    return { client, channel: await subscribed(client, name) };
  }));
}

test('client_event_reaches_the_others_and_not_its_sender', async (t) => {
  const [alice, bob, zoe] = await meet(t, 'private-chat', ['alice', 'bob', 'zoe']);
  const [own, ...others] = [alice, bob, zoe].map(({ channel }) => listen(channel, 'client-typing'));
  assert.equal(alice.channel.trigger('client-typing', { on: true }), true);
  for (const queue of others) {
    const { data, metadata } = await queue.nextEvent();
    assert.deepEqual(data, { on: true });
    assert.equal(metadata.user_id, undefined);
  }
  await flush(scene.sdk, alice.channel, bob.channel, zoe.channel);
  assert.deepEqual(own.unread, []);
  assert.ok(others.every((queue) => queue.unread.length === 0));
});

test('client_event_on_a_presence_channel_names_its_sender', async (t) => {
  const [alice, bob] = await meet(t, 'presence-chat', ['alice', 'bob']);
  const queue = listen(bob.channel, 'client-typing');
  alice.channel.trigger('client-typing', 'x');
  const { data, metadata } = await queue.nextEvent();
  assert.equal(data, 'x');
  assert.equal(metadata.user_id, '1');
});

test('client_event_reaches_other_tabs_of_its_user', async (t) => {
  const [alice] = await meet(t, 'presence-tabs', ['alice']);
  const [tab] = await meet(t, 'presence-tabs', ['alice']);
  const queue = listen(tab.channel, 'client-draft');
  alice.channel.trigger('client-draft', { text: 'Dear' });
  assert.deepEqual(await queue.next(), { text: 'Dear' });
});

test('data_of_a_client_event_arrives_as_it_was_given', async (t) => {
  const samples = [
    { b: 1, a: { channel: 'x', event: 'y', user_id: 'z' } }, [1, [2, [3]]], 'text', '', 0, -1.5e-7, false, null,
    'Zoë 🦊 \u2028 "quoted" \\ \n \0', { data: '{"inner":"json"}' }, '\ud800 alone',
  ];
  const [alice, bob] = await meet(t, 'private-samples', ['alice', 'bob']);
  const queue = listen(bob.channel, 'client-sample');
  for (const sample of samples)
    alice.channel.trigger('client-sample', sample);
  assert.deepEqual(await queue.take(samples.length), samples);
});

test('client_events_arrive_in_their_order', async (t) => {
  const expected = Array.from({ length: 500 }, (_, i) => i);
  const [alice, bob] = await meet(t, 'private-ordered', ['alice', 'bob']);
  const queue = listen(bob.channel, 'client-n');
  for (const n of expected)
    alice.channel.trigger('client-n', n);
  assert.deepEqual(await queue.take(expected.length), expected);
});

test('client_event_is_refused_with_4301_where_the_app_has_them_off', async (t) => {
  const [alice, bob] = await meet(t, 'private-mute', ['alice', 'bob'], MUTE);
  const errors = listen(alice.client.connection, 'error');
  const queue = listen(bob.channel, 'client-x');
  alice.channel.trigger('client-x', {});
  assert.equal((await errors.next()).data.code, 4301);
  await flush(scene.sdkOf(MUTE), alice.channel, bob.channel);
  assert.deepEqual(queue.unread, []);
});

test('client_event_is_refused_with_4301_on_a_public_channel', async (t) => {
  const [alice, bob] = await meet(t, 'square', ['alice', 'bob']);
  const errors = listen(alice.client.connection, 'error');
  const queue = listen(bob.channel, 'client-x');
  alice.channel.trigger('client-x', {});
  assert.equal((await errors.next()).data.code, 4301);
  await flush(scene.sdk, alice.channel, bob.channel);
  assert.deepEqual(queue.unread, []);
});

test('client_event_is_refused_with_4301_from_a_client_that_left', async (t) => {
  const [alice, bob] = await meet(t, 'private-left', ['alice', 'bob']);
  const errors = listen(alice.client.connection, 'error');
  const queue = listen(bob.channel, 'client-x');
  alice.client.unsubscribe('private-left');
  alice.channel.trigger('client-x', {});
  assert.equal((await errors.next()).data.code, 4301);
  await flush(scene.sdk, bob.channel);
  assert.deepEqual(queue.unread, []);
});

test('client_events_above_the_rate_are_refused_with_4301', async (t) => {
  const [alice, bob] = await meet(t, 'private-fast', ['alice', 'bob'], SLOW);
  const errors = listen(alice.client.connection, 'error');
  const queue = listen(bob.channel, 'client-n');
  for (const n of [1, 2, 3, 4, 5])
    alice.channel.trigger('client-n', n);
  assert.deepEqual((await errors.take(2)).map(({ data }) => data.code), [4301, 4301]);
  assert.equal(alice.client.connection.state, 'connected');
  await flush(scene.sdkOf(SLOW), alice.channel, bob.channel);
  assert.deepEqual(queue.unread, [1, 2, 3]);
});
