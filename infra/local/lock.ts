import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { localFiles } from './package-root.ts';
import { PYTHON, require } from './prerequisites.ts';

/**
 * Runs `work` while this process alone holds the lock on the file `path`. Whoever comes second waits.
 * @throws PulsehouseError PH_STACK_PREREQUISITE when Python is missing.
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  onWait: () => void = () => undefined,
): Promise<Result> {
  await require(PYTHON, 'The local stack');
  await mkdir(dirname(path), { recursive: true });
  const holder = spawn('python3', [join(localFiles, 'hold_lock.py'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  try {
    for await (const line of createInterface(holder.stdout)) {
      if (line === 'held') return await work();
      onWait();
    }
    throw new Error(`hold_lock.py ended without the lock on ${path}`);
  } finally {
    holder.stdin.end();
    await ended;
  }
}
