// The columns of the matrix: libraries that the package manager of Node brings. Each has a title, the version that is
// installed, its kind (client or server), how to open a driver of it (player.mjs), and why it lacks what it lacks.

import { readFileSync } from 'node:fs';

import Echo2 from 'laravel-echo';
import Echo1 from 'laravel-echo-1';
import Pusher8 from 'pusher-js';
import Pusher4 from 'pusher-js-4';
import Pusher5 from 'pusher-js-5';
import Pusher6 from 'pusher-js-6';
import Pusher7 from 'pusher-js-7';

import { LaravelEchoDriver } from './laravel_echo.mjs';
import { NodePusherDriver } from './node_pusher.mjs';
import { inProcess } from './player.mjs';
import { PusherJsDriver } from './pusher_js.mjs';

// pusher-js 4 looks whether the navigator says React Native before it joins an encrypted channel; Node has one from 21 on.
globalThis.navigator ??= {};

// Told by the server that the user is cut off, pusher-js closes its socket once more when it has closed already, and the
// WebSocket that it brings for Node then waits for that in vain. The tests need not.
const WEBSOCKET_CLOSE_MS = 30_000;
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...args) => {
  const timer = setTimeout(callback, ms, ...args);
  return ms === WEBSOCKET_CLOSE_MS ? timer.unref() : timer;
};

const NO_USERS = lacking('users came with pusher-js 7.1', 'sign_in', 'user_event', 'watchlist', 'terminate');

/** Why an SDK lacks these cells, as a part of its `lacks`. */
export function lacking(reason, ...cells) {
  return Object.fromEntries(cells.map((cell) => [cell, reason]));
}

function pusherJs(major, name, Pusher, { lacks, extra } = {}) {
  return {
    id: `pusher_js_${major}`,
    title: `pusher-js ${major}`,
    version: versionOf(name),
    kind: 'client',
    open: inProcess((report) => new PusherJsDriver(Pusher, report, extra)),
    lacks,
  };
}

function laravelEcho(major, name, Echo, Pusher) {
  return {
    id: `laravel_echo_${major}`,
    title: `Laravel Echo ${major}`,
    version: versionOf(name),
    kind: 'client',
    open: inProcess((report) => new LaravelEchoDriver(Echo, Pusher, report)),
  };
}

/** The version of a package that is installed. */
function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version;
}

export const NODE_SDKS = [
  pusherJs(4, 'pusher-js-4', Pusher4, { lacks: NO_USERS, extra: { disableStats: true } }),
  pusherJs(5, 'pusher-js-5', Pusher5, { lacks: NO_USERS }),
  pusherJs(6, 'pusher-js-6', Pusher6, { lacks: NO_USERS }),
  pusherJs(7, 'pusher-js-7', Pusher7),
  pusherJs(8, 'pusher-js', Pusher8),
  laravelEcho(1, 'laravel-echo-1', Echo1.default, Pusher7),
  laravelEcho(2, 'laravel-echo', Echo2, Pusher8),
  {
    id: 'node_pusher',
    title: 'pusher (Node)',
    version: versionOf('pusher'),
    kind: 'server',
    open: inProcess(() => new NodePusherDriver()),
  },
];

/** A column whose driver is a page: browser.test.mjs opens it. */
export const CHROMIUM = {
  id: 'chromium',
  title: 'pusher-js 8 in Chromium',
  version: versionOf('pusher-js'),
  kind: 'client',
};
