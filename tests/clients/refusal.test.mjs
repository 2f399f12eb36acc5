import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { listen } from './support/events.mjs';
import { Scene, subscribed } from './support/scene.mjs';
import { APP } from './support/server.mjs';

const RETRY_MS = 1_000; // after which pusher-js tries again if it was not told to stay away

function app(name, rules) {
  return { ...APP, id: name, key: `${name}-key`, ...rules };
}

const FULL = app('full', { max_connections: 1 });

const scene = Scene.ofFile({
  apps: [
    APP,
    app('disabled', { enabled: false }),
    app('elsewhere', { allowed_origins: ['https://example.com'] }),
    app('anywhere', { allowed_origins: ['*'] }),
    FULL,
  ],
});

/** A client that is refused with this code stays away. */
async function refused(t, key, code, message) {
  const client = scene.client(t, { key });
  const errors = listen(client.connection, 'error');
  const states = listen(client.connection, 'state_change');
  const { error } = await errors.next();
  assert.deepEqual(error, { type: 'PusherError', data: { code, message } });
  await sleep(RETRY_MS + 200);
  assert.equal(client.connection.state, 'disconnected');
  assert.deepEqual(states.unread, [{ previous: 'connecting', current: 'disconnected' }]);
}

describe('refusals', { concurrency: true }, () => {
  test('unknown_key_is_refused_with_4001_and_not_retried', (t) =>
    refused(t, 'no-such-key', 4001, 'Application does not exist'));

  test('disabled_app_is_refused_with_4003_and_not_retried', (t) =>
    refused(t, 'disabled-key', 4003, 'Application disabled'));

  test('client_without_an_origin_is_refused_with_4009_where_origins_are_limited', (t) =>
    refused(t, 'elsewhere-key', 4009, 'Origin not allowed'));

  test('client_without_an_origin_is_let_in_where_any_is_allowed', (t) =>
    scene.connected(t, { key: 'anywhere-key' }));

  test('client_above_the_quota_of_its_app_is_refused_with_4004_and_not_retried', async (t) => {
    const first = await scene.connected(t, { key: FULL.key });
    await refused(t, FULL.key, 4004, 'Application is over connection quota');
    assert.equal(first.connection.state, 'connected');
  });
});

test('place_of_a_client_that_left_is_free_again', async (t) => {
  const first = await scene.connected(t, { key: FULL.key });
  await subscribed(first, 'seat');
  first.disconnect();
  await scene.subscribers('seat', 0, scene.sdkOf(FULL));
  await scene.connected(t, { key: FULL.key });
});
