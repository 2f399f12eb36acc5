// The columns of the matrix that other toolchains bring. Each language is prepared once: what it needs is installed and
// built under build/sdk-matrix-tools/, at the versions that its manifest pins.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { program } from './lines.mjs';
import { lacking } from './sdks.mjs';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const TOOLS = fileURLToPath(new URL('../../../build/sdk-matrix-tools/', import.meta.url));

const PYTHON = {
  name: 'Python',
  needs: [['python3', '-c', 'import venv, ensurepip']],
  prepare() {
    run('python3', ['-m', 'venv', `${TOOLS}python`]);
    run(`${TOOLS}python/bin/pip`, ['install', '--quiet', '--requirement', 'python/requirements.txt']);
  },
  sdks: [
    {
      id: 'python_pusher',
      title: 'pusher (Python)',
      version: pinned('python/requirements.txt', /^pusher==(.+)$/m),
      kind: 'server',
      open: program(`${TOOLS}python/bin/python`, [`${HERE}python/api.py`]),
      lacks: lacking('it asks for a path outside of the app, which no server has', 'terminate'),
    },
    {
      id: 'pysher',
      title: 'pysher (Python)',
      version: pinned('python/requirements.txt', /^Pysher==(.+)$/m),
      kind: 'client',
      open: program(`${TOOLS}python/bin/python`, [`${HERE}python/client.py`]),
      lacks: {
        ...lacking('it does not decrypt', 'encrypted', 'encrypted_cache'),
        ...lacking('it has no users', 'sign_in', 'user_event', 'watchlist', 'terminate'),
      },
    },
  ],
};

const GO = {
  name: 'Go',
  needs: [['go', 'version']],
  prepare() {
    run('go', ['build', '-o', `${TOOLS}go/api`, '.'], { cwd: `${HERE}go` });
  },
  sdks: [
    {
      id: 'go_pusher',
      title: 'pusher-http-go',
      version: pinned('go/go.mod', /pusher-http-go\/v5 v(\S+)/),
      kind: 'server',
      open: program(`${TOOLS}go/api`, []),
      lacks: lacking('it has no such call', 'terminate'),
    },
  ],
};

const JAVA = {
  name: 'Java',
  needs: [['javac', '-version'], ['mvn', '--version']],
  prepare() {
    run('mvn', ['--quiet', '--batch-mode', `-DoutputDirectory=${TOOLS}java/lib`, 'package'], { cwd: `${HERE}java` });
    run('javac', ['-d', `${TOOLS}java/classes`, '-cp', `${TOOLS}java/lib/*`, 'Lines.java', 'Api.java', 'Client.java'],
      { cwd: `${HERE}java` });
  },
  sdks: [
    {
      id: 'java_http',
      title: 'pusher-http-java',
      version: pinned('java/pom.xml', /pusher-http-java<\/artifactId>\s*<version>(.+)<\/version>/),
      kind: 'server',
      open: java('Api'),
      lacks: lacking('it has no such call', 'sign_in', 'user_event', 'terminate'),
    },
    {
      id: 'java_client',
      title: 'pusher-java-client',
      version: pinned('java/pom.xml', /pusher-java-client<\/artifactId>\s*<version>(.+)<\/version>/),
      kind: 'client',
      open: java('Client'),
      lacks: lacking('it has no watchlists', 'watchlist'),
    },
  ],
};

export const LANGUAGES = [PYTHON, GO, JAVA];

/** The tool that is missing for a language, or null. */
export function missingTool({ needs }) {
  return needs.find(([command, ...args]) => spawnSync(command, args).status !== 0)?.[0] ?? null;
}

function java(name) {
  return program('java', ['-XX:TieredStopAtLevel=1', '-cp', `${TOOLS}java/lib/*:${TOOLS}java/classes`, name]);
}

function pinned(file, pattern) {
  return readFileSync(`${HERE}${file}`, 'utf8').match(pattern)[1];
}

function run(command, args, options = {}) {
  mkdirSync(TOOLS, { recursive: true });
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: HERE, encoding: 'utf8', ...options });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}\n${stdout}${stderr}`);
}
