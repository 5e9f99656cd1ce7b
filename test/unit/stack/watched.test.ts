import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { identify, isRunning, type ProcessIdentity } from '../../../infra/local/process-identity.ts';
import { runWatched } from '../../../infra/local/watched.ts';

interface Parent {
  readonly process: ChildProcess;
  readonly command: ProcessIdentity;
  readonly watchdog: ProcessIdentity;
}

/** A process of its own that watches a command which never ends. */
async function startParent(release: boolean): Promise<Parent> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-watched-'));
  const parent = fork(join(import.meta.dirname, 'watching-parent.ts'), [folder, String(release)], {
    execArgv: ['--import', 'tsx'],
  });
  const [{ pid, watchdog }] = (await once(parent, 'message')) as [{ pid: number; watchdog: number }];
  return { process: parent, command: identified(pid), watchdog: identified(watchdog) };
}

function identified(pid: number): ProcessIdentity {
  const found = identify(pid);
  if (!found) throw new Error(`process ${pid} does not run`);
  return found;
}

async function untilGone(...processes: ProcessIdentity[]): Promise<void> {
  await vi.waitUntil(() => !processes.some(isRunning), { timeout: 30_000, interval: 20 });
}

test('a killed parent takes the watched command with it', async () => {
  const parent = await startParent(false);
  parent.process.kill('SIGKILL');
  await untilGone(parent.command, parent.watchdog);
});

test('a released command outlives its parent, and a signal to its watchdog ends it', async () => {
  const parent = await startParent(true);
  parent.process.kill('SIGKILL');
  await once(parent.process, 'exit');
  await sleep(200);
  expect(isRunning(parent.command)).toBe(true);
  process.kill(parent.watchdog.pid, 'SIGTERM');
  await untilGone(parent.command, parent.watchdog);
});

test.runIf(process.platform === 'linux')('a killed watchdog takes the command with it', async () => {
  const parent = await startParent(true);
  process.kill(parent.watchdog.pid, 'SIGKILL');
  await untilGone(parent.command, parent.watchdog);
  parent.process.kill('SIGKILL');
});

test('the exit code and the output of a command come through', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-watched-'));
  const log = join(folder, 'log');
  const watched = await runWatched({
    command: 'sh',
    arguments: ['-c', 'echo said; exit 7'],
    folder,
    log,
    grace: 1,
  });
  expect(await watched.ended).toBe(7);
  expect(await readFile(log, 'utf8')).toBe('said\n');
});

test('what does not exist is said so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-watched-'));
  const started = runWatched({
    command: 'no-such-command',
    arguments: [],
    folder,
    log: join(folder, 'log'),
    grace: 1,
  });
  await expect(started).rejects.toThrow(/no-such-command ended with 1/);
  expect(await readFile(join(folder, 'log'), 'utf8')).toContain('No such file or directory');
});
