import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { EventQueue } from './support/events.mjs';
import { Receiver } from './support/receiver.mjs';
import { Scene, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const EVENTS = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event', 'cache_miss'];

const receiver = new Receiver();
const scene = new Scene();

before(async () => {
  await receiver.open();
  await scene.open({ apps: [{ ...APP, webhooks: [{ url: receiver.url('/hooks'), event_types: EVENTS }] }] });
});
after(async () => {
  await scene.close();
  receiver.close();
});

/** Events of requests that the server SDK believes, until this one has come. */
async function eventsUntil(requests, name) {
  const events = [];
  while (!events.some((event) => event.name === name)) {
    const webhook = scene.sdk.webhook(await requests.next());
    assert.ok(webhook.isValid());
    assert.ok(Math.abs(webhook.getTime().getTime() - Date.now()) < 60_000);
    events.push(...webhook.getEvents());
  }
  return events;
}

test('server_sdk_believes_webhooks_and_finds_their_events', async (t) => {
  const requests = new EventQueue(receiver.at('/hooks'), 'request');
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => scene.connected(t, { user })));
  const room = await subscribed(alice, 'presence-hooked');
  const arrived = await eventsUntil(requests, 'member_added');
  assert.ok(arrived.some(({ name, channel }) => name === 'channel_occupied' && channel === 'presence-hooked'));
  assert.deepEqual(
    arrived.find(({ name }) => name === 'member_added'),
    { name: 'member_added', channel: 'presence-hooked', user_id: '1' },
  );
  await subscribed(bob, 'presence-hooked');
  await eventsUntil(requests, 'member_added');
  room.trigger('client-wave', { to: 'Zoë 🦊' });
  const [wave] = await eventsUntil(requests, 'client_event');
  assert.deepEqual([wave.channel, wave.event, wave.data], ['presence-hooked', 'client-wave', { to: 'Zoë 🦊' }]);
  assert.equal(wave.socket_id, alice.connection.socket_id);
});

test('server_sdk_does_not_believe_a_webhook_of_somebody_else', async (t) => {
  const requests = new EventQueue(receiver.at('/hooks'), 'request');
  const client = await scene.connected(t);
  await subscribed(client, 'cache-hooked');
  const request = await requests.next();
  assert.ok(scene.sdk.webhook(request).isValid());
  assert.ok(!scene.sdkOf({ ...APP, secret: 'another' }).webhook(request).isValid());
  assert.ok(!scene.sdk.webhook({ ...request, rawBody: `${request.rawBody} ` }).isValid());
});
