import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { COMMAND } from '../../../examples/tour/commands.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare } from './subject.ts';

/** Runs a command whose reader goes away after the first words, as `| head -1` does. Answers its exit code. */
async function runUnread(
  words: readonly string[],
  { environment }: Place,
  signal: AbortSignal,
): Promise<number | null> {
  const child = spawn(process.execPath, [COMMAND, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const closed = once(child, 'close');
  child.stderr.resume();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  const [code] = (await closed) as [number | null];
  return code;
}

test('a reader that went away leaves no work half done, and nothing running for nobody', async ({
  place,
  signal,
}) => {
  const { commands, ddl, file } = await prepare(place, signal);
  expect(await runUnread(['init', '-c', file, '--ddl', ddl], place, signal)).toBe(0);
  expect(await commands.run('status')).toMatchObject({ code: 0, answer: { partitions: [{}] } });
  expect(await runUnread(['status', '--watch', '-c', file], place, signal)).toBe(0);
});
