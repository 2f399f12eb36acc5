import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { USERS } from './support/backend.mjs';
import { listen } from './support/events.mjs';
import { Scene, subscribed } from './support/scene.mjs';

const CHANNELS = ['news', 'private-orders', 'presence-room'];

/** Every client comes back by itself, and soon, after the server has ended and was started again. */
async function comesBack(t, end, waitMs) {
  const scene = new Scene();
  t.after(() => scene.close());
  await scene.open();
  const clients = await Promise.all(Object.keys(USERS).map((user) => scene.connected(t, { user })));
  const channels = await Promise.all(clients.flatMap((client) => CHANNELS.map((name) => subscribed(client, name))));
  const states = clients.map((client) => listen(client.connection, 'state_change'));
  const again = channels.map((channel) => listen(channel, 'pusher:subscription_succeeded'));
  const ids = clients.map((client) => client.connection.socket_id);

  const asked = Date.now();
  await end(scene.server);
  const ended = Date.now();
  await scene.server.launch();
  const launched = Date.now();
  await Promise.all(again.map((queue) => queue.next(waitMs)));
  const back = Date.now();
  t.diagnostic(`asked to end: 0 ms, ended: ${ended - asked} ms, started again: ${launched - asked} ms, `
    + `all ${clients.length} clients back: ${back - asked} ms (${back - ended} ms after the end)`);

  for (const [i, client] of clients.entries()) {
    assert.deepEqual(states[i].unread[0], { previous: 'connected', current: 'connecting' });
    assert.equal(states[i].unread.at(-1).current, 'connected');
    assert.notEqual(client.connection.socket_id, ids[i]);
  }
  const queues = channels.map((channel) => listen(channel, 'x'));
  await scene.sdk.trigger(CHANNELS, 'x', 'back');
  for (const queue of queues)
    assert.equal(await queue.next(), 'back');
  const rooms = channels.filter((channel) => channel.name === 'presence-room');
  assert.deepEqual(rooms.map((room) => room.members.count), clients.map(() => clients.length));
}

describe('restart', { concurrency: true }, () => {
  test('clients_come_back_with_their_channels_after_the_server_was_killed', (t) =>
    comesBack(t, (server) => server.kill(), 5_000));

  // Told to come back at once (4200), they meet the server that is leaving, which asks for a second (4100); by then the
  // next one is there. A closed port, or a 503, would cost them 15 s.
  test('clients_come_back_with_their_channels_after_the_server_was_stopped', (t) =>
    comesBack(t, (server) => server.halt(), 5_000));
});
