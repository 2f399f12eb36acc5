import assert from 'node:assert/strict';
import { test } from 'node:test';

import { USERS } from './support/backend.mjs';
import { listen } from './support/events.mjs';
import { Scene, answerOf, flush, subscribed } from './support/scene.mjs';

const scene = Scene.ofFile();

async function join(t, user, name) {
  const client = await scene.connected(t, { user });
  return { client, channel: await subscribed(client, name) };
}

test('newcomer_sees_who_is_there_and_itself', async (t) => {
  await join(t, 'alice', 'presence-roster');
  await join(t, 'zoe', 'presence-roster');
  const { channel } = await join(t, 'bob', 'presence-roster');
  assert.equal(channel.members.count, 3);
  assert.deepEqual(channel.members.me, { id: USERS.bob.user_id, info: USERS.bob.user_info });
  for (const { user_id, user_info } of Object.values(USERS))
    assert.deepEqual(channel.members.get(user_id).info, user_info);
});

test('others_are_told_who_comes_and_who_goes', async (t) => {
  const { channel } = await join(t, 'alice', 'presence-door');
  const [added, removed] = [listen(channel, 'pusher:member_added'), listen(channel, 'pusher:member_removed')];
  const bob = await join(t, 'bob', 'presence-door');
  assert.deepEqual(await added.next(), { id: '2', info: USERS.bob.user_info });
  assert.equal(channel.members.count, 2);

  bob.client.unsubscribe('presence-door');
  assert.deepEqual(await removed.next(), { id: '2', info: USERS.bob.user_info });
  assert.equal(channel.members.count, 1);

  const zoe = await join(t, 'zoe', 'presence-door');
  assert.deepEqual(await added.next(), { id: '3', info: USERS.zoe.user_info });
  zoe.client.disconnect();
  assert.deepEqual(await removed.next(), { id: '3', info: USERS.zoe.user_info });
  assert.deepEqual([added.unread, removed.unread], [[], []]);
});

test('newcomer_is_not_told_of_its_own_coming', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  const channel = client.subscribe('presence-self');
  const all = listen(channel);
  await listen(channel, 'pusher:subscription_succeeded').next();
  await flush(scene.sdk, channel);
  assert.equal(all.unread.length, 2);
});

test('two_tabs_of_a_user_are_one_member_until_both_are_closed', async (t) => {
  const { channel } = await join(t, 'alice', 'presence-tabs');
  const [added, removed] = [listen(channel, 'pusher:member_added'), listen(channel, 'pusher:member_removed')];
  const [first, second] = [await join(t, 'bob', 'presence-tabs'), await join(t, 'bob', 'presence-tabs')];
  await flush(scene.sdk, channel, first.channel, second.channel);
  assert.equal(second.channel.members.count, 2);
  assert.deepEqual(added.unread.map((member) => member.id), ['2']);
  assert.equal((await scene.channel('presence-tabs', 'user_count')).user_count, 2);
  assert.equal((await scene.channel('presence-tabs', 'subscription_count')).subscription_count, 3);

  first.client.disconnect();
  await scene.subscribers('presence-tabs', 2);
  await flush(scene.sdk, channel, second.channel);
  assert.deepEqual(removed.unread, []);
  assert.equal(channel.members.count, 2);

  second.client.disconnect();
  assert.equal((await removed.next()).id, '2');
  assert.equal(channel.members.count, 1);
});

test('everybody_gets_the_events_of_a_presence_channel', async (t) => {
  const members = await Promise.all(Object.keys(USERS).map((user) => join(t, user, 'presence-events')));
  const queues = members.map(({ channel }) => listen(channel, 'x'));
  await scene.sdk.trigger('presence-events', 'x', 'hello');
  for (const queue of queues)
    assert.equal(await queue.next(), 'hello');
});

test('forged_identity_is_refused', async (t) => {
  const client = await scene.connected(t, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => {
        const { auth } = scene.sdk.authorizeChannel(socketId, channelName, USERS.bob);
        done(null, { auth, channel_data: JSON.stringify(USERS.alice) });
      },
    },
  });
  const errors = listen(client.connection, 'error');
  client.subscribe('presence-forged');
  assert.equal((await errors.next()).data.code, 4009);
  assert.deepEqual(await answerOf(scene.sdk.get({ path: '/channels/presence-forged/users' })), { users: [] });
});

test('channels_of_one_connection_have_members_of_their_own', async (t) => {
  const { client, channel: hall } = await join(t, 'alice', 'presence-hall');
  const room = await subscribed(client, 'presence-room');
  const [inHall, inRoom] = [hall, room].map((channel) => listen(channel, 'pusher:member_added'));
  await join(t, 'bob', 'presence-room');
  await flush(scene.sdk, hall, room);
  assert.deepEqual([inHall.unread, inRoom.unread.map((member) => member.id)], [[], ['2']]);
  assert.deepEqual([hall.members.count, room.members.count], [1, 2]);

  client.unsubscribe('presence-hall');
  await scene.subscribers('presence-hall', 0);
  await flush(scene.sdk, room);
  assert.equal(room.members.count, 2);
});
