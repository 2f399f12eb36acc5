// pusher-js of any major, as a driver (player.mjs). It runs in Node and, unchanged, in a page of a browser.

export class PusherJsDriver {
  #Pusher;
  #report;
  #extra;
  #client;

  constructor(Pusher, report, extra = {}) {
    this.#Pusher = Pusher;
    this.#report = report;
    this.#extra = extra;
  }

  async connect(place) {
    this.#client = new this.#Pusher(place.key, { ...options(place), ...this.#extra });
    return await established(this.#client, this.#report);
  }

  subscribe({ channel: name }) {
    const channel = this.#client.subscribe(name);
    channel.bind_global((event, data) => {
      if (event !== 'pusher:subscription_succeeded' && event !== 'pusher:member_added' && event !== 'pusher:member_removed')
        this.#report({ channel: name, event, data });
    });
    channel.bind('pusher:member_added', ({ info }) => this.#report({ channel: name, event: 'joined', data: info.name }));
    channel.bind('pusher:member_removed', ({ info }) => this.#report({ channel: name, event: 'left', data: info.name }));
    return new Promise((resolve, reject) => {
      channel.bind('pusher:subscription_succeeded', (members) => resolve(namesOf(members)));
      channel.bind('pusher:subscription_error', (error) => reject(new Error(JSON.stringify(error))));
    });
  }

  async unsubscribe({ channel }) {
    this.#client.unsubscribe(channel);
  }

  async trigger({ channel, event, data }) {
    this.#client.channel(channel).trigger(event, data);
  }

  signin() {
    const done = signedIn(this.#client, this.#report);
    this.#client.signin();
    return done;
  }

  async close() {
    this.#client?.disconnect();
  }
}

/** Options that every major understands in its own way: the older ones pass over what they do not know. */
export function options({ host, port, endpoint, userEndpoint, headers }) {
  return {
    cluster: '',
    wsHost: host,
    wsPort: port,
    forceTLS: false,
    enabledTransports: ['ws'],
    authEndpoint: endpoint,
    auth: { headers },
    channelAuthorization: { endpoint, transport: 'ajax', headers },
    userAuthentication: { endpoint: userEndpoint, transport: 'ajax', headers },
  };
}

/** Waits for the socket id. What happens to the connection is reported from now on. */
export function established({ connection }, report) {
  return new Promise((resolve, reject) => {
    connection.bind('connected', () => resolve(connection.socket_id));
    connection.bind('disconnected', () => report({ event: 'disconnected' }));
    connection.bind('error', (error) => {
      const code = (error.error?.data ?? error.data)?.code;
      report({ event: 'error', data: code });
      reject(new Error(`refused with ${code}`));
    });
  });
}

/** Waits for the answer to a sign-in and returns the user's id. What reaches the user is reported from now on. */
export function signedIn(client, report) {
  client.user.bind_global((event, data) => report({ channel: '#user', event, data }));
  for (const event of ['online', 'offline'])
    client.user.watchlist.bind(event, ({ user_ids }) => report({ channel: '#watchlist', event, data: user_ids }));
  return new Promise((resolve, reject) => {
    client.connection.bind('message', ({ event }) => {
      if (event === 'pusher:signin_success')
        resolve(client.user.user_data.id);
    });
    client.connection.bind('error', (error) => reject(new Error(JSON.stringify(error))));
  });
}

function namesOf(members) {
  const names = [];
  members?.each?.(({ info }) => names.push(info.name));
  return names.sort();
}
