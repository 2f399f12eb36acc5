import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { listen } from './support/events.mjs';
import { Scene, flush, subscribed } from './support/scene.mjs';

// Nobody vouches for a certificate that a test has made for itself.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');

const folder = mkdtempSync(path.join(os.tmpdir(), 'sockudo-tls-'));
after(() => rmSync(folder, { recursive: true }));
const certificate = path.join(folder, 'certificate.pem'), key = path.join(folder, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
  '-subj', '/CN=localhost', '-keyout', key, '-out', certificate], { stdio: 'ignore' });

const scene = Scene.ofFile({ ssl: { enabled: true, cert_path: certificate, key_path: key } });

test('client_and_backend_work_over_tls_alone', async (t) => {
  const client = await scene.connected(t, { user: 'alice' });
  const channel = await subscribed(client, 'presence-room');
  const greetings = listen(channel, 'greeting');
  await scene.sdk.trigger('presence-room', 'greeting', { text: 'hello' });
  assert.deepEqual(await greetings.next(), { text: 'hello' });
  await flush(scene.sdk, channel);
});
