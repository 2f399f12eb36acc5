import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, flush, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const scene = Scene.ofFile();

/** A client whose subscriptions are signed by sign(socket id, channel). */
function signing(t, sign) {
  const customHandler = ({ socketId, channelName }, done) => done(null, sign(socketId, channelName));
  return scene.connected(t, { channelAuthorization: { customHandler } });
}

test('client_with_a_good_signature_gets_the_events_of_a_private_channel', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  const queue = listen(await subscribed(client, 'private-orders'), 'paid');
  await scene.sdk.trigger('private-orders', 'paid', { order: 7 });
  assert.deepEqual(await queue.next(), { order: 7 });
});

test('client_that_the_backend_refuses_gets_a_subscription_error', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  const channel = client.subscribe('private-forbidden');
  const error = await listen(channel, 'pusher:subscription_error').next();
  assert.equal(error.type, 'AuthError');
  assert.equal(error.status, 403);
  assert.deepEqual(await scene.channel('private-forbidden'), { occupied: false });
});

function signedAs(app, socket, channel) {
  return scene.sdkOf(app).authorizeChannel(socket, channel);
}

const forgeries = {
  that_another_secret_made: (socket, channel) => signedAs({ ...APP, secret: 'another-secret' }, socket, channel),
  of_another_key: (socket, channel) => signedAs({ ...APP, key: 'another-key' }, socket, channel),
  of_another_socket: (_, channel) => scene.sdk.authorizeChannel('1234.5678', channel),
  of_another_channel: (socket) => scene.sdk.authorizeChannel(socket, 'private-lobby'),
  in_capitals: (socket, channel) => {
    const [key, signature] = scene.sdk.authorizeChannel(socket, channel).auth.split(':');
    return { auth: `${key}:${signature.toUpperCase()}` };
  },
  that_is_empty: () => ({ auth: '' }),
};

for (const [what, sign] of Object.entries(forgeries)) {
  test(`signature_${what}_is_refused_and_the_connection_stays`, async (t) => {
    const client = await signing(t, sign);
    const lobby = await subscribed(client, 'lobby');
    const errors = listen(client.connection, 'error');
    const vault = client.subscribe('private-vault');
    const all = listen(vault);
    assert.equal((await errors.next()).data.code, 4009);
    await scene.sdk.trigger('private-vault', 'secret', {});
    await flush(scene.sdk, lobby);
    assert.equal(vault.subscribed, false);
    assert.deepEqual(all.unread, []);
    assert.deepEqual(await scene.channel('private-vault'), { occupied: false });
  });
}
