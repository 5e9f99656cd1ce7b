import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { together } from '../../../lib/cli/together.ts';

const never = new AbortController().signal;

test('all results, in order', async () => {
  expect(await together(never, () => [sleep(2, 'slow'), Promise.resolve('fast')])).toEqual(['slow', 'fast']);
});

test('the first failure stops the others, and is told when they have ended', async () => {
  const ended: string[] = [];
  const untilStopped = (over: AbortSignal) =>
    new Promise<void>((resolve) =>
      over.addEventListener('abort', () =>
        setImmediate(() => {
          ended.push('in order');
          resolve();
        }),
      ),
    );
  const work = together(never, (over) => [untilStopped(over), Promise.reject(new Error('it cannot'))]);
  await expect(work).rejects.toThrow('it cannot');
  expect(ended).toEqual(['in order']);
});

test('what is stopped from outside stops all', async () => {
  const outside = new AbortController();
  const seen = together(outside.signal, (over) => [
    new Promise<boolean>((resolve) => over.addEventListener('abort', () => resolve(true))),
  ]);
  outside.abort();
  expect(await seen).toEqual([true]);
});
