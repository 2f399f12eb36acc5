import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, answerOf, flush, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const OTHER = { ...APP, id: 'other', key: 'other-key', secret: 'other-secret' };

const scene = Scene.ofFile({ apps: [APP, OTHER] });

function get(path, params, sdk = scene.sdk) {
  return answerOf(sdk.get({ path, params }));
}

/** Two tabs of alice and one of bob in presence-api, alice also in private-api and api. */
async function occupy(t) {
  const [alice, tab, bob] = await Promise.all(
    ['alice', 'alice', 'bob'].map((user) => scene.connected(t, { user })),
  );
  await Promise.all([alice, tab, bob].map((client) => subscribed(client, 'presence-api')));
  await Promise.all(['private-api', 'api'].map((name) => subscribed(alice, name)));
}

test('list_of_channels_names_those_that_are_occupied', async (t) => {
  await occupy(t);
  assert.deepEqual((await get('/channels')).channels, { api: {}, 'presence-api': {}, 'private-api': {} });
  assert.deepEqual((await get('/channels', { filter_by_prefix: 'private-' })).channels, { 'private-api': {} });
  assert.deepEqual(
    (await get('/channels', { filter_by_prefix: 'presence-', info: 'user_count,subscription_count' })).channels,
    { 'presence-api': { user_count: 2, subscription_count: 3 } },
  );
});

test('list_of_channels_refuses_user_count_beyond_presence_channels', async (t) => {
  await occupy(t);
  await assert.rejects(get('/channels', { info: 'user_count' }), { status: 400 });
});

test('channel_has_the_attributes_that_were_asked_for', async (t) => {
  await occupy(t);
  assert.deepEqual(await get('/channels/presence-api'), { occupied: true });
  assert.deepEqual(
    await get('/channels/presence-api', { info: 'user_count,subscription_count' }),
    { occupied: true, subscription_count: 3, user_count: 2 },
  );
  assert.deepEqual(
    await get('/channels/api', { info: 'subscription_count' }),
    { occupied: true, subscription_count: 1 },
  );
  await assert.rejects(get('/channels/api', { info: 'user_count' }), { status: 400 });
});

test('channel_without_subscribers_is_not_occupied', async () => {
  assert.deepEqual(await get('/channels/void'), { occupied: false });
});

test('users_of_a_presence_channel_are_listed_once_each', async (t) => {
  await occupy(t);
  const { users } = await get('/channels/presence-api/users');
  assert.deepEqual(users.map((user) => user.id).sort(), ['1', '2']);
  await assert.rejects(get('/channels/api/users'), { status: 400 });
});

test('nothing_is_occupied_when_everybody_has_left', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  await Promise.all(['presence-gone', 'gone'].map((name) => subscribed(client, name)));
  client.disconnect();
  await scene.subscribers('gone', 0);
  await scene.subscribers('presence-gone', 0);
  const { channels } = await get('/channels');
  assert.equal('gone' in channels, false);
  assert.equal('presence-gone' in channels, false);
});

test('apps_of_one_server_do_not_hear_each_other', async (t) => {
  const other = scene.sdkOf(OTHER);
  const clients = [await scene.connected(t), await scene.connected(t, { key: OTHER.key })];
  const channels = await Promise.all(clients.map((client) => subscribed(client, 'shared')));
  const [here, there] = channels.map((channel) => listen(channel, 'x'));
  await scene.sdk.trigger('shared', 'x', 'here');
  await other.trigger('shared', 'x', 'there');
  await flush(scene.sdk, channels[0]);
  await flush(other, channels[1]);
  assert.deepEqual([here.unread, there.unread], [['here'], ['there']]);
  assert.equal((await scene.channel('shared', 'subscription_count')).subscription_count, 1);
  assert.deepEqual(Object.keys((await get('/channels', {}, other)).channels), ['shared']);
});

test('request_with_the_credentials_of_another_app_is_refused', async () => {
  await assert.rejects(scene.sdkOf({ ...APP, secret: 'wrong' }).trigger('x', 'x', {}), { status: 401 });
  await assert.rejects(scene.sdkOf({ ...OTHER, id: APP.id }).trigger('x', 'x', {}), { status: 401 });
  await assert.rejects(scene.sdkOf({ ...APP, id: OTHER.id }).get({ path: '/channels' }), { status: 401 });
  await assert.rejects(scene.sdkOf({ ...APP, key: 'unknown' }).trigger('x', 'x', {}), { status: 404 });
});
