// The server SDK for Node, as a driver (player.mjs).

import PusherSdk from 'pusher';

export class NodePusherDriver {
  #sdk;

  async open({ host, port, appId, key, secret, encryptionKey }) {
    this.#sdk = new PusherSdk({
      appId, key, secret, host, port, useTLS: false, encryptionMasterKeyBase64: encryptionKey,
    });
  }

  async publish({ channels, event, data, socketId }) {
    await this.#sdk.trigger(channels, event, data, socketId ? { socket_id: socketId } : undefined);
  }

  async batch({ events }) {
    await this.#sdk.triggerBatch(events);
  }

  async channels({ prefix, info }) {
    const { channels } = await this.#get('/channels', { filter_by_prefix: prefix, info });
    return channels;
  }

  channel({ channel, info }) {
    return this.#get(`/channels/${channel}`, { info });
  }

  async users({ channel }) {
    const { users } = await this.#get(`/channels/${channel}/users`, {});
    return users.map(({ id }) => id);
  }

  async authorize({ socketId, channel, member }) {
    return this.#sdk.authorizeChannel(socketId, channel, member);
  }

  async authenticate({ socketId, user }) {
    return this.#sdk.authenticateUser(socketId, user);
  }

  async send({ user, event, data }) {
    await this.#sdk.sendToUser(user, event, data);
  }

  async terminate({ user }) {
    await this.#sdk.terminateUserConnections(user);
  }

  async webhook({ key, signature, body }) {
    const webhook = this.#sdk.webhook({
      headers: { 'content-type': 'application/json', 'x-pusher-key': key, 'x-pusher-signature': signature }, rawBody: body,
    });
    return webhook.isValid() ? webhook.getEvents() : null;
  }

  async close() {}

  async #get(path, params) {
    return await (await this.#sdk.get({ path, params })).json();
  }
}
