import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import Echo2 from 'laravel-echo';
import Echo1 from 'laravel-echo-1';
import Pusher8 from 'pusher-js';
import Pusher7 from 'pusher-js-7';

import { USERS } from './support/backend.mjs';
import { listen, until } from './support/events.mjs';
import { Scene, connection, flush } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const scene = Scene.ofFile();

const MAJORS = [
  { name: 'echo_1', Echo: Echo1.default, Pusher: Pusher7 },
  { name: 'echo_2', Echo: Echo2, Pusher: Pusher8 },
];
const KINDS = MAJORS.flatMap((major) => ['pusher', 'reverb'].map((broadcaster) => (
  { ...major, name: `${major.name}_${broadcaster}`, broadcaster }
)));

/** Echo as an application sets it up, and connected. */
async function echoOf(t, { Echo, Pusher, broadcaster }, user) {
  const { host, port } = scene.server;
  const echo = new Echo({
    broadcaster,
    Pusher,
    key: APP.key,
    cluster: '',
    wsHost: host,
    wsPort: port,
    wssPort: port,
    forceTLS: false,
    enabledTransports: ['ws', 'wss'],
    authEndpoint: scene.backend.endpoint,
    auth: { headers: user ? { Authorization: `Bearer ${user}` } : {} },
  });
  t.after(() => echo.disconnect());
  await connection(echo.connector.pusher);
  return echo;
}

/** The state of its connection, for which Echo 1 has no word. */
function stateOf(echo) {
  return echo.connectionStatus?.() ?? echo.connector.pusher.connection.state;
}

/** What a callback of Echo is called with. */
class Calls {
  constructor() {
    this.list = [];
    this.add = (value) => { this.list.push(value); };
  }

  async reach(count) {
    await until(`${count} calls`, () => this.list.length >= count);
    assert.equal(this.list.length, count);
    return this.list;
  }
}

/** Waits until a channel of Echo is subscribed. */
async function ready(...channels) {
  await until('subscribed', () => channels.every((channel) => channel.subscription.subscribed));
}

for (const kind of KINDS) {
  describe(kind.name, () => {
    test('echo_knows_its_socket_and_its_state', async (t) => {
      const echo = await echoOf(t, kind);
      assert.match(echo.socketId(), /^\d+\.\d+$/);
      assert.equal(stateOf(echo), 'connected');
    });

    test('listen_hears_events_of_the_namespace_and_plain_ones', async (t) => {
      const echo = await echoOf(t, kind);
      const [named, plain, all] = [new Calls(), new Calls(), new Calls()];
      const channel = echo.channel('orders').listen('OrderShipped', named.add).listen('.order.paid', plain.add);
      channel.listenToAll((event) => all.add(event));
      await ready(channel);
      await scene.sdk.trigger('orders', 'App\\Events\\OrderShipped', { order: { id: 7 } });
      await scene.sdk.trigger('orders', 'order.paid', { id: 8 });
      await flush(scene.sdk, channel.subscription);
      assert.deepEqual(named.list, [{ order: { id: 7 } }]);
      assert.deepEqual(plain.list, [{ id: 8 }]);
      assert.deepEqual(all.list, ['OrderShipped', '.order.paid', '.flush']);
    });

    test('broadcast_to_others_does_not_come_back', async (t) => {
      const [alice, bob] = [await echoOf(t, kind, 'alice'), await echoOf(t, kind, 'bob')];
      const [own, others] = [new Calls(), new Calls()];
      const mine = alice.private('board').listen('Moved', own.add);
      const theirs = bob.private('board').listen('Moved', others.add);
      await ready(mine, theirs);
      await scene.sdk.trigger('private-board', 'App\\Events\\Moved', { x: 1 }, { socket_id: alice.socketId() });
      await flush(scene.sdk, mine.subscription, theirs.subscription);
      assert.deepEqual([own.list, others.list], [[], [{ x: 1 }]]);
    });

    test('whisper_reaches_the_others_on_a_private_channel', async (t) => {
      const [alice, bob] = [await echoOf(t, kind, 'alice'), await echoOf(t, kind, 'bob')];
      const [own, others] = [new Calls(), new Calls()];
      const mine = alice.private('chat').listenForWhisper('typing', own.add);
      const theirs = bob.private('chat').listenForWhisper('typing', others.add);
      await ready(mine, theirs);
      mine.whisper('typing', { name: 'Alice' });
      assert.deepEqual(await others.reach(1), [{ name: 'Alice' }]);
      await flush(scene.sdk, mine.subscription, theirs.subscription);
      assert.deepEqual(own.list, []);
    });

    test('notification_reaches_its_user', async (t) => {
      const echo = await echoOf(t, kind, 'alice');
      const calls = new Calls();
      const channel = echo.private('App.Models.User.1').notification(calls.add);
      await ready(channel);
      const event = 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated';
      await scene.sdk.trigger('private-App.Models.User.1', event, { type: 'InvoicePaid' });
      assert.deepEqual(await calls.reach(1), [{ type: 'InvoicePaid' }]);
    });

    test('join_tells_who_is_here_who_joins_and_who_leaves', async (t) => {
      const [alice, bob] = [await echoOf(t, kind, 'alice'), await echoOf(t, kind, 'bob')];
      const [here, joining, leaving, whispers] = [new Calls(), new Calls(), new Calls(), new Calls()];
      alice.join('room').here(here.add).joining(joining.add).leaving(leaving.add).listenForWhisper('hi', whispers.add);
      assert.deepEqual(await here.reach(1), [[USERS.alice.user_info]]);

      const seen = new Calls();
      const room = bob.join('room').here(seen.add);
      assert.deepEqual((await seen.reach(1))[0].map((user) => user.name).sort(), ['Alice', 'Bob']);
      assert.deepEqual(await joining.reach(1), [USERS.bob.user_info]);

      room.whisper('hi', { from: 'bob' });
      assert.deepEqual(await whispers.reach(1), [{ from: 'bob' }]);

      bob.leave('room');
      assert.deepEqual(await leaving.reach(1), [USERS.bob.user_info]);
    });

    test('leave_ends_every_kind_of_subscription', async (t) => {
      const echo = await echoOf(t, kind, 'alice');
      await ready(echo.channel('home'), echo.private('home'), echo.join('home'));
      const names = ['home', 'private-home', 'presence-home'];
      await Promise.all(names.map((name) => scene.subscribers(name, 1)));
      echo.leave('home');
      await Promise.all(names.map((name) => scene.subscribers(name, 0)));
    });

    test('refusal_of_the_backend_reaches_the_error_callback', async (t) => {
      const echo = await echoOf(t, kind, 'alice');
      const calls = new Calls();
      echo.private('forbidden').error(calls.add);
      assert.equal((await calls.reach(1))[0].status, 403);
    });

    test('echo_that_disconnects_has_left_its_channels', async (t) => {
      const echo = await echoOf(t, kind, 'alice');
      await ready(echo.channel('closing'));
      echo.disconnect();
      await scene.subscribers('closing', 0);
      assert.equal(stateOf(echo), 'disconnected');
    });
  });
}
