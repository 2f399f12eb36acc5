// Laravel Echo over a pusher-js, as a driver (player.mjs), through Echo's own words wherever it has one.

import { established, options, signedIn } from './pusher_js.mjs';

const KINDS = [
  ['presence-', 'join'],
  ['private-encrypted-', 'encryptedPrivate'],
  ['private-', 'private'],
  ['', 'channel'],
];

export class LaravelEchoDriver {
  #Echo;
  #Pusher;
  #report;
  #echo;
  #channels = new Map();

  constructor(Echo, Pusher, report) {
    this.#Echo = Echo;
    this.#Pusher = Pusher;
    this.#report = report;
  }

  async connect(place) {
    const { key } = place;
    this.#echo = new this.#Echo({ broadcaster: 'pusher', Pusher: this.#Pusher, key, ...options(place) });
    await established(this.#echo.connector.pusher, this.#report);
    return this.#echo.socketId();
  }

  subscribe({ channel: name }) {
    const [prefix, kind] = KINDS.find(([start]) => name.startsWith(start));
    const channel = this.#echo[kind](name.slice(prefix.length));
    const report = (event, data) => this.#report({ channel: name, event, data });
    this.#channels.set(name, channel);
    channel.listenToAll((event, data) => report(event.replace(/^\./, ''), data));
    channel.listen('.pusher:cache_miss', () => report('pusher:cache_miss'));
    return new Promise((resolve, reject) => {
      channel.error((error) => reject(new Error(JSON.stringify(error))));
      if (kind !== 'join') {
        channel.subscribed(() => resolve([]));
        return;
      }
      channel.here((members) => resolve(members.map((info) => info.name).sort()));
      channel.joining((info) => report('joined', info.name));
      channel.leaving((info) => report('left', info.name));
    });
  }

  async unsubscribe({ channel }) {
    this.#echo.leaveChannel(channel);
  }

  async trigger({ channel, event, data }) {
    this.#channels.get(channel).whisper(event.replace('client-', ''), data);
  }

  signin() {
    const done = signedIn(this.#echo.connector.pusher, this.#report);
    this.#echo.connector.signin();
    return done;
  }

  async close() {
    this.#echo?.disconnect();
  }
}
