import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { packageRoot } from '../../../infra/local/package-root.ts';
import { isRunning } from '../../../infra/local/process-identity.ts';
import { readRecord } from '../../../infra/local/stack-record.ts';

const BIN = join(packageRoot, 'bin', 'pulsehouse.js');
/** The smallest stack: one server. */
const SMALL = ['--without', 'pulsar', 'clickhouse'];

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pulsehouse-stack-'));
});

afterEach(async () => {
  await stack(['down', '--remove-data']);
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without the variables that would replace the servers. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(AWS|PULSAR|CLICKHOUSE|PULSEHOUSE_[BS])/.test(name),
  );
  return { ...Object.fromEntries(own), ...more };
}

function stack(args: readonly string[], env = environment()): Promise<Answer> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, 'stack', ...args, '--dir', directory],
      { env },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function servers() {
  return (await readRecord(directory))?.servers ?? [];
}

test('up, up again, status, env, down, down again', async () => {
  expect(await stack(['up', ...SMALL])).toMatchObject({ code: 0 });
  const [first] = await servers();
  expect(await stack(['up', ...SMALL])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('already up'),
  });
  expect((await servers())[0]?.server).toEqual(first?.server);

  const status = await stack(['status', '--json']);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.stdout)).toMatchObject({ up: true, servers: [{ name: 'aws', up: true }] });
  const env = await stack(['env']);
  expect(env.stdout).toContain(`export AWS_ENDPOINT_URL='http://127.0.0.1:${first?.ports[0]}'`);

  expect(await stack(['down'])).toMatchObject({ code: 0, stdout: 'Ended: aws.\n' });
  expect(await stack(['down'])).toMatchObject({ code: 0, stdout: 'Nothing was running.\n' });
  expect(first && (isRunning(first.server) || isRunning(first.watchdog))).toBe(false);
  expect((await stack(['status'])).code).toBe(1);
  expect(await stack(['env'])).toMatchObject({ code: 1, stderr: expect.stringContaining('PH_STACK_DOWN') });
});

test('a server that died is started again on the same port, its addresses being no external servers', async () => {
  await stack(['up', ...SMALL]);
  const [before] = await servers();
  process.kill(before?.server.pid ?? 0, 'SIGKILL');
  await vi.waitUntil(() => before && !isRunning(before.watchdog));
  const exported = JSON.parse(await readFile(join(directory, 'stack.json'), 'utf8')).environment;
  expect(await stack(['up', ...SMALL], environment(exported))).toMatchObject({ code: 0 });
  const [after] = await servers();
  expect(after?.ports).toEqual(before?.ports);
  expect(after && isRunning(after.server)).toBe(true);
});

test('a server that the environment names is left alone and handed on', async () => {
  const theirs = {
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_REGION: 'eu-north-1',
    PULSEHOUSE_BUCKET: 'theirs',
  };
  const up = await stack(['up', '--json', ...SMALL], environment(theirs));
  expect(JSON.parse(up.stdout).environment).toMatchObject(theirs);
  expect(await servers()).toEqual([]);
});

test('a port that is taken is named, with the next step', async () => {
  const other = createServer().listen(4566, '127.0.0.1');
  await once(other, 'listening');
  const up = await stack(['up', '--well-known-ports', ...SMALL]);
  other.close();
  expect(up.code).toBe(1);
  expect(up.stderr).toContain('PH_STACK_PORT_TAKEN');
  expect(up.stderr).toContain('4566');
  expect(await servers()).toEqual([]);
});

test.each(['SIGINT', 'SIGKILL'] as const)(
  '%s in the middle of a start leaves nothing running',
  async (signal) => {
    const child = spawn(
      process.execPath,
      [BIN, 'stack', 'up', '--without', 'clickhouse', 'aws', '--dir', directory],
      {
        env: environment(),
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    // The broker has a process id in its log's folder as soon as its watchdog runs; it needs seconds to get ready.
    await vi.waitUntil(async () => (await processesOf(directory)).length > 1, {
      timeout: 60_000,
      interval: 50,
    });
    child.kill(signal);
    await once(child, 'exit');
    await vi.waitUntil(async () => (await processesOf(directory)).length === 0, {
      timeout: 60_000,
      interval: 50,
    });
    expect(child.exitCode ?? child.signalCode).toBe(signal === 'SIGINT' ? 130 : 'SIGKILL');
  },
);

test.each([
  ['java', /PH_STACK_PREREQUISITE\S* {2}Pulsar \S+ needs Java 17 or later, which is not here/, 'openjdk-17'],
  ['python3', /PH_STACK_PREREQUISITE\S* {2}The local stack needs Python 3\.10 or later/, 'python@3.11'],
])('a machine without %s is told so, and how to get it', async (command, message, advice) => {
  const env = environment({ PATH: await pathWithout(command) });
  const up = await stack(['up', '--without', 'clickhouse', 'aws'], env);
  expect(up.code).toBe(1);
  expect(up.stderr).toMatch(message);
  expect(up.stderr).toContain(advice);
});

/** Watchdogs and servers whose command line names the directory. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(folder) && !line.includes(BIN)) found.push(line);
  }
  return found;
}

/** A search path on which a command is found that answers like one that is not there. */
async function pathWithout(command: string): Promise<string> {
  const folder = join(directory, 'bin');
  await mkdir(folder);
  await writeFile(join(folder, command), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
  return `${folder}:${process.env['PATH']}`;
}
