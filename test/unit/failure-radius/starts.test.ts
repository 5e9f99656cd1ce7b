import { expect, it } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { Starts } from '../../../lib/cli/starts.ts';

const never = new Promise<void>(() => undefined);

/** An environment whose time passes when the test says so. */
function clock() {
  const sleeping: (() => void)[] = [];
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener('abort', () => resolve());
      sleeping.push(resolve);
    });
  const passes = () => {
    for (const wake of sleeping.splice(0)) wake();
  };
  return { environment: { ...systemEnvironment, sleep }, passes };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('of 64 consumers that begin at once the first few begin, each further one when one of them reads', async () => {
  const starts = new Starts(clock().environment);
  const begun: (() => void)[] = [];
  for (let partition = 0; partition < 64; partition += 1) {
    void starts.run(async (reads) => {
      begun.push(reads);
      await never;
    });
  }
  await settled();
  const first = begun.length;
  expect(first).toBeLessThanOrEqual(8);
  begun[0]?.();
  begun[3]?.();
  await settled();
  expect(begun.length).toBe(first + 2);
});

it('consumers that do not get on, however many, keep the others waiting for one turn', async () => {
  const { environment, passes } = clock();
  const starts = new Starts(environment);
  let begun = 0;
  for (let partition = 0; partition < 12; partition += 1) {
    void starts.run(() => {
      begun += 1;
      return never;
    });
  }
  await settled();
  expect(begun).toBeLessThan(12);
  passes();
  await settled();
  expect(begun).toBe(12);
});

it('answers what the consumer answers, or throws what it throws, and lets the next one begin', async () => {
  const starts = new Starts(clock().environment);
  expect(await starts.run(async () => 7)).toBe(7);
  const failing = Array.from({ length: 20 }, () => starts.run(() => Promise.reject(new Error('no'))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
});
