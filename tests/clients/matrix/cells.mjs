// The rows of the matrix: what an SDK is asked to do. A cell gets the SDK's counterpart as well: client libraries hear what
// the server SDK for Node publishes, server libraries publish to pusher-js. Each cell has an app of its own, so the names
// of channels and users can be the same everywhere.

import assert from 'node:assert/strict';

const SAMPLE = { text: 'Zoë 🦊 "the fox" \\ \u2028 東京 <b>', list: [1, -1.5, null, true, {}] };

/** Publishes the sample and waits until it has arrived. */
async function reaches(api, player, channel) {
  await api.do('publish', { channels: [channel], event: 'sample', data: SAMPLE });
  assert.deepEqual(await player.next(channel, 'sample'), SAMPLE);
}

async function subscribed(join, user, channel) {
  const player = await join(user);
  await player.do('subscribe', { channel });
  return player;
}

async function signedIn(join, user) {
  const player = await join(user);
  assert.equal(await player.do('signin'), user);
  return player;
}

/** Events reach the user, and nobody else. */
async function userHears({ api, join }) {
  const [alice, bob] = [await signedIn(join, 'alice'), await signedIn(join, 'bob')];
  await api.do('send', { user: 'alice', event: 'sample', data: SAMPLE });
  await api.do('send', { user: 'bob', event: 'end', data: {} });
  assert.deepEqual(await alice.next('#user', 'sample'), SAMPLE);
  await bob.next('#user', 'end');
  assert.deepEqual(bob.unread.filter(({ channel }) => channel === '#user'), []);
}

/** All connections of the user end for good, and only those. */
async function userIsCutOff({ api, join }) {
  const tabs = [await signedIn(join, 'alice'), await signedIn(join, 'alice')];
  const bob = await signedIn(join, 'bob');
  await api.do('terminate', { user: 'alice' });
  for (const tab of tabs) {
    await tab.next(undefined, 'disconnected');
    assert.equal(await tab.next(undefined, 'error'), 4009);
  }
  await bob.do('subscribe', { channel: 'news' });
  await reaches(api, bob, 'news');
}

async function batchArrivesInOrder({ api, join }) {
  const alice = await subscribed(join, 'alice', 'list');
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  await api.do('batch', { events: numbers.map((n) => ({ channel: 'list', name: 'n', data: { n } })) });
  for (const n of numbers)
    assert.deepEqual(await alice.next('list', 'n'), { n });
}

export const CLIENT_CELLS = {
  connect: {
    words: 'connect',
    async run({ join }) {
      const [alice, bob] = [await join('alice'), await join('bob')];
      assert.match(alice.socketId, /^\d+\.\d+$/);
      assert.notEqual(alice.socketId, bob.socketId);
    },
  },
  refusal: {
    words: 'unknown key: 4001',
    async run({ join }) {
      await assert.rejects(join('alice', { key: 'unknown' }), /4001/);
    },
  },
  public: {
    words: 'public channel',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'news'), 'news');
    },
  },
  private: {
    words: 'private channel',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'private-news'), 'private-news');
    },
  },
  presence: {
    words: 'presence channel',
    async run({ api, join }) {
      const [alice, bob] = [await join('alice'), await join('bob')];
      const channel = 'presence-room';
      assert.deepEqual(await alice.do('subscribe', { channel }), ['Alice']);
      assert.deepEqual(await bob.do('subscribe', { channel }), ['Alice', 'Bob']);
      assert.equal(await alice.next(channel, 'joined'), 'Bob');
      await reaches(api, bob, channel);
      await bob.do('unsubscribe', { channel });
      assert.equal(await alice.next(channel, 'left'), 'Bob');
    },
  },
  encrypted: {
    words: 'encrypted channel',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'private-encrypted-news'), 'private-encrypted-news');
    },
  },
  cache: {
    words: 'cache channels: last event',
    async run({ api, join }) {
      const alice = await join('alice');
      for (const channel of ['cache-price', 'private-cache-price', 'presence-cache-price']) {
        for (const price of [1, 2])
          await api.do('publish', { channels: [channel], event: 'price', data: { price } });
        await alice.do('subscribe', { channel });
        assert.deepEqual(await alice.next(channel, 'price'), { price: 2 });
        await reaches(api, alice, channel);
      }
    },
  },
  encrypted_cache: {
    words: 'encrypted cache channel',
    async run({ api, join }) {
      const channel = 'private-encrypted-cache-price';
      await api.do('publish', { channels: [channel], event: 'price', data: { price: 7 } });
      const alice = await subscribed(join, 'alice', channel);
      assert.deepEqual(await alice.next(channel, 'price'), { price: 7 });
    },
  },
  cache_miss: {
    words: 'cache channels: `cache_miss`',
    async run({ api, join }) {
      const alice = await join('alice');
      for (const channel of ['cache-void', 'private-cache-void', 'presence-cache-void']) {
        await alice.do('subscribe', { channel });
        await alice.next(channel, 'pusher:cache_miss');
        await reaches(api, alice, channel);
      }
    },
  },
  unsubscribe: {
    words: 'unsubscribe',
    async run({ api, join }) {
      const alice = await subscribed(join, 'alice', 'news');
      await alice.do('subscribe', { channel: 'other' });
      await alice.do('unsubscribe', { channel: 'news' });
      // Answers come in the order of the requests: the server has left the channel when it is on the third.
      await alice.do('subscribe', { channel: 'third' });
      await api.do('publish', { channels: ['news', 'other'], event: 'x', data: {} });
      await alice.next('other', 'x');
      assert.deepEqual(alice.unread.filter(({ channel }) => channel === 'news'), []);
    },
  },
  batch: { words: 'batch, in order', run: batchArrivesInOrder },
  client_events: {
    words: 'client events',
    async run({ join }) {
      for (const channel of ['private-chat', 'presence-chat']) {
        const [alice, bob] = [await subscribed(join, 'alice', channel), await subscribed(join, 'bob', channel)];
        await alice.do('trigger', { channel, event: 'client-typing', data: SAMPLE });
        assert.deepEqual(await bob.next(channel, 'client-typing'), SAMPLE);
        await bob.do('trigger', { channel, event: 'client-end', data: {} });
        await alice.next(channel, 'client-end');
        assert.deepEqual(alice.unread.filter(({ event }) => event === 'client-typing'), []);
      }
    },
  },
  sign_in: {
    words: 'sign-in',
    async run({ api, join }) {
      const alice = await signedIn(join, 'alice');
      await alice.do('subscribe', { channel: 'news' });
      await reaches(api, alice, 'news');
      assert.deepEqual(alice.unread.filter(({ event }) => event === 'error'), []);
    },
  },
  user_event: { words: 'events to a user', run: userHears },
  watchlist: {
    words: 'watchlist',
    async run({ join }) {
      const alice = await signedIn(join, 'alice');
      assert.deepEqual((await alice.next('#watchlist', 'offline')).sort(), ['bob', 'zoe']);
      const bob = await signedIn(join, 'bob');
      assert.deepEqual(await alice.next('#watchlist', 'online'), ['bob']);
      assert.deepEqual(await bob.next('#watchlist', 'online'), ['alice']);
      await bob.close();
      assert.deepEqual(await alice.next('#watchlist', 'offline'), ['bob']);
    },
  },
  terminate: { words: 'terminated by the app', run: userIsCutOff },
};

export const SERVER_CELLS = {
  publish: {
    words: 'publish',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'news'), 'news');
    },
  },
  several: {
    words: 'publish to several channels',
    async run({ api, join }) {
      const [alice, bob] = [await subscribed(join, 'alice', 'a'), await subscribed(join, 'bob', 'b')];
      await api.do('publish', { channels: ['a', 'b', 'c'], event: 'sample', data: SAMPLE });
      assert.deepEqual(await alice.next('a', 'sample'), SAMPLE);
      assert.deepEqual(await bob.next('b', 'sample'), SAMPLE);
    },
  },
  exclusion: {
    words: 'publish to all but one socket',
    async run({ api, join }) {
      const [alice, bob] = [await subscribed(join, 'alice', 'news'), await subscribed(join, 'bob', 'news')];
      await api.do('publish', { channels: ['news'], event: 'x', data: {}, socketId: alice.socketId });
      await bob.next('news', 'x');
      await reaches(api, alice, 'news');
      assert.deepEqual(alice.unread.filter(({ event }) => event === 'x'), []);
    },
  },
  batch: { words: 'batch', run: batchArrivesInOrder },
  encrypted: {
    words: 'publish encrypted',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'private-encrypted-news'), 'private-encrypted-news');
    },
  },
  channels: {
    words: 'list channels',
    async run({ api, join }) {
      for (const channel of ['presence-a', 'presence-b', 'news'])
        await subscribed(join, 'alice', channel);
      const channels = await api.do('channels', { prefix: 'presence-', info: 'user_count' });
      assert.deepEqual(channels, { 'presence-a': { user_count: 1 }, 'presence-b': { user_count: 1 } });
    },
  },
  channel: {
    words: 'state of a channel',
    async run({ api, join }) {
      for (const user of ['alice', 'alice', 'bob'])
        await subscribed(join, user, 'presence-room');
      const state = await api.do('channel', { channel: 'presence-room', info: 'user_count,subscription_count' });
      assert.deepEqual(state, { occupied: true, user_count: 2, subscription_count: 3 });
    },
  },
  users: {
    words: 'users of a presence channel',
    async run({ api, join }) {
      for (const user of ['alice', 'bob'])
        await subscribed(join, user, 'presence-room');
      assert.deepEqual((await api.do('users', { channel: 'presence-room' })).sort(), ['1', '2']);
    },
  },
  private: {
    words: 'authorize a private channel',
    async run({ api, join }) {
      await reaches(api, await subscribed(join, 'alice', 'private-news'), 'private-news');
    },
  },
  presence: {
    words: 'authorize a presence channel',
    async run({ join }) {
      const alice = await join('alice');
      assert.deepEqual(await alice.do('subscribe', { channel: 'presence-room' }), ['Alice']);
      const zoe = await join('zoe');
      const members = await zoe.do('subscribe', { channel: 'presence-room' });
      assert.equal(members.length, 2);
      assert.equal(await alice.next('presence-room', 'joined'), members[1]);
    },
  },
  sign_in: {
    words: 'authenticate a user',
    async run({ join }) {
      await signedIn(join, 'alice');
      await signedIn(join, 'zoe');
    },
  },
  user_event: { words: 'send to a user', run: userHears },
  terminate: { words: "terminate a user's connections", run: userIsCutOff },
  webhook: {
    words: 'webhook signature',
    async run({ api, join, requests }) {
      await subscribed(join, 'alice', 'presence-room');
      const { headers, rawBody: body } = await requests.next();
      const signed = { key: headers['x-pusher-key'], signature: headers['x-pusher-signature'] };
      const [event] = await api.do('webhook', { ...signed, body });
      assert.deepEqual(event, { name: 'channel_occupied', channel: 'presence-room' });
      assert.equal(await api.do('webhook', { ...signed, body: `${body} ` }), null);
    },
  },
};
