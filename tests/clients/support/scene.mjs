// What a test plays on: a server, the application's backend with its server SDK, and any number of clients.

import { after, before } from 'node:test';

import PusherClient from 'pusher-js';
import PusherSdk from 'pusher';

import { Backend } from './backend.mjs';
import { listen, until } from './events.mjs';
import { APP, Server } from './server.mjs';

export class Scene {
  /** The scene of a file of tests, open from the first to the last of them; settings as for Server.start. */
  static ofFile(settings) {
    const scene = new Scene();
    before(() => scene.open(settings));
    after(() => scene.close());
    return scene;
  }

  async open(settings) {
    this.server = await Server.start(settings);
    this.sdk = this.sdkOf(APP);
    this.backend = await Backend.start(this.sdk);
  }

  async close() {
    this.backend?.stop();
    await this.server?.stop();
  }

  /** The server SDK, with the credentials of an app. */
  sdkOf(app, options = {}) {
    const { host, port, isTls } = this.server;
    return new PusherSdk({ appId: app.id, key: app.key, secret: app.secret, host, port, useTLS: isTls, ...options });
  }

  /** Options for pusher-js in the name of a user of the application. */
  clientOptions(user) {
    return {
      cluster: '',
      wsHost: this.server.host,
      wsPort: this.server.port,
      wssPort: this.server.port,
      forceTLS: this.server.isTls,
      enabledTransports: ['ws', 'wss'],
      channelAuthorization: {
        endpoint: this.backend.endpoint,
        transport: 'ajax',
        headers: user ? { Authorization: `Bearer ${user}` } : {},
      },
    };
  }

  /** A client that begins to connect, and that leaves when the test ends. */
  client(t, { user, key = APP.key, ...options } = {}) {
    const client = new PusherClient(key, { ...this.clientOptions(user), ...options });
    t.after(() => client.disconnect());
    return client;
  }

  /** A client that is connected. */
  async connected(t, options) {
    const client = this.client(t, options);
    await connection(client);
    return client;
  }

  /** What the API says about one channel. */
  async channel(name, info, sdk = this.sdk) {
    return await answerOf(sdk.get({ path: `/channels/${name}`, params: info ? { info } : {} }));
  }

  /** Waits until so many connections are subscribed to the channel. */
  async subscribers(name, count, sdk = this.sdk) {
    await until(`${count} subscribers of ${name}`, async () => {
      const state = await this.channel(name, 'subscription_count', sdk);
      return (state.subscription_count ?? 0) === count;
    });
  }
}

/** The JSON of an answer of the server SDK. */
export async function answerOf(response) {
  return await (await response).json();
}

/** Waits until the client is connected. */
export async function connection(client) {
  await until('connected', () => client.connection.state === 'connected');
}

/** Subscribes and waits for the confirmation. Returns the channel. */
export async function subscribed(client, name) {
  const channel = client.subscribe(name);
  const success = listen(channel, 'pusher:subscription_succeeded');
  await success.next();
  return channel;
}

/**
 * Sends an event to a channel and waits until it has arrived at each of these subscriptions: all that was published
 * there before has then arrived too, or never will.
 */
export async function flush(sdk, ...channels) {
  const arrivals = channels.map((channel) => listen(channel, 'flush'));
  await sdk.trigger([...new Set(channels.map((channel) => channel.name))], 'flush', {});
  await Promise.all(arrivals.map((arrival) => arrival.next()));
}
