// Any number of pusher-js clients, led by lines of JSON: { client, do, ... } goes in, what the clients tell comes out:
// { client, state } for each change of a connection, { client, channel, event, data } for what was published and for
// pusher:subscription_succeeded. The end of its input is the end of the program.

import { createRequire } from 'node:module';
import readline from 'node:readline';

const Pusher = createRequire(new URL('../clients/package.json', import.meta.url))('pusher-js');
const clients = new Map();

const acts = {
  connect({ client, port, tls }) {
    const pusher = new Pusher('app-key', {
      cluster: '', wsHost: '127.0.0.1', wsPort: port, wssPort: port, forceTLS: tls, enabledTransports: ['ws', 'wss'],
    });
    pusher.connection.bind('state_change', ({ current }) => tell({ client, state: current }));
    clients.set(client, pusher);
  },

  subscribe({ client, channel }) {
    const told = clients.get(client).subscribe(channel);
    told.bind_global((event, data) => tell({ client, channel, event, data }));
  },

  disconnect({ client }) {
    clients.get(client).disconnect();
    clients.delete(client);
  },
};

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: act, ...args } = JSON.parse(line);
  acts[act](args);
}
process.exit(0);
