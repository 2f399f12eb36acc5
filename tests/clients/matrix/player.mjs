// One SDK at work, whatever it is written in. A driver does what it is told through the SDK's own words: it takes plain
// values, answers with plain values, and reports what it hears. Drivers of JavaScript SDKs are objects of this process
// (pusher_js.mjs, laravel_echo.mjs, node_pusher.mjs); those of other languages are programs that are told by lines of
// JSON (lines.mjs), and one is a page in a browser (browser.mjs). This is what a driver understands:
//
// a client    connect { host, port, key, secret, endpoint, userEndpoint, headers, member } → socket id
//             subscribe { channel } → names of the members, once it is confirmed
//             unsubscribe { channel }, trigger { channel, event, data }, signin → the user's id, close
// reports     { channel, event, data }: what was published; joined and left with a member's name; on the channel #user
//             what was sent to the user; on #watchlist online and offline with the users' ids
//             { event }: disconnected; error with its code as data
// a server's  open { host, port, appId, key, secret, encryptionKey }, close
//             publish { channels, event, data, socketId }, batch { events: [{ channel, name, data }] }
//             channels { prefix, info } → { name: attributes }, channel { channel, info } → attributes
//             users { channel } → ids, authorize { socketId, channel, member } and authenticate { socketId, user } → the
//             answer for the client, send { user, event, data }, terminate { user }
//             webhook { key, signature, body } → its events, null if it is not signed so

const WAIT_MS = 10_000;

export class Player {
  #call;
  #unread = [];
  #waiting = [];
  #closing = null;

  /** Plays through a driver, which open(report) makes: a function (what, args) that returns a promise. */
  static async of(open) {
    const player = new Player();
    player.#call = await open((event) => player.#hear(event));
    return player;
  }

  do(what, args = {}) {
    return within(`the answer to ${what} ${JSON.stringify(args)}`, this.#call(what, args));
  }

  close() {
    this.#closing ??= this.do('close');
    return this.#closing;
  }

  /** The data of the next event of this name on the channel; undefined for what happens to the connection. */
  next(channel, event) {
    const at = this.#unread.findIndex((entry) => entry.channel === channel && entry.event === event);
    if (at >= 0)
      return Promise.resolve(this.#unread.splice(at, 1)[0].data);
    const heard = new Promise((resolve) => this.#waiting.push({ channel, event, resolve }));
    return within(`${event} on ${channel ?? 'the connection'}`, heard);
  }

  /** What was heard and not taken with next(). */
  get unread() {
    return this.#unread;
  }

  #hear({ channel, event, data }) {
    const at = this.#waiting.findIndex((entry) => entry.channel === channel && entry.event === event);
    if (at >= 0)
      this.#waiting.splice(at, 1)[0].resolve(data);
    else
      this.#unread.push({ channel, event, data });
  }
}

/** Opens a driver that is an object of this process. */
export function inProcess(make) {
  return (report) => {
    const driver = make(report);
    return async (what, args) => await driver[what](args);
  };
}

function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${WAIT_MS} ms`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
