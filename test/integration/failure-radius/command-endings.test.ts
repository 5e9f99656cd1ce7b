import type { Readable } from 'node:stream';
import { expect } from 'vitest';
import { publishEvents } from '../../support/events.ts';
import { leaveHeld } from '../../support/held-leases.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

const HOUR = 3_600_000;

/** Resolves once the stream has said it; the stream goes on being read. */
function untilSaid(stream: Readable | null, text: string): Promise<void> {
  let said = '';
  return new Promise((resolve) => {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes(text)) resolve();
    });
  });
}

/** The checkpoint that the first ten rows are in. */
function checkpointOf(cycles: readonly Record<string, unknown>[]): unknown {
  return cycles.find(({ flushedRows }) => flushedRows === 10)?.['checkpoint'];
}

test('scripts can go by run --json, by audit --since 0 and by what consume ends with', async ({
  place,
  signal,
}) => {
  const settings = {
    consume: { lease: '2s', mode: 'drain' },
    checkpoint: { interval: '1s', flushTimeout: '500ms' },
  };
  const { commands, ddl, file, topic } = await prepare(place, signal, { settings });
  expect(await commands.run('init', '--ddl', ddl)).toMatchObject({ code: 0 });
  const publish = (from: number) =>
    publishEvents(place.environment, `${topic}-partition-0`, { entries: 1, messagesAnEntry: 10, from });

  // Stopped before the servers had time to answer, it ends in order all the same.
  const early = commands.start('run');
  early.child.stdout?.once('data', () => early.child.kill('SIGINT'));
  const ended = await early.ended;
  expect(ended).toMatchObject({ code: 0, answer: { stopped: true } });
  expect(ended.said).not.toMatch(/answer/);

  // A line when it begins, one for each cycle, and one at its end.
  await publish(0);
  const run = commands.start('run');
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  run.child.stdout?.on('data', (chunk: Buffer) => {
    const parts = `${rest}${chunk.toString('utf8')}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line) as Record<string, unknown>));
    if (lines.length > 2 && checkpointOf(lines) !== undefined && !run.child.killed) run.child.kill('SIGINT');
  });
  expect(await run.ended).toMatchObject({ code: 0, answer: { stopped: true } });
  expect(lines[0]).toEqual({ running: ['events'] });
  const cycles = lines.slice(1, -1);
  expect(cycles.length).toBeGreaterThanOrEqual(2);
  for (const cycle of cycles) {
    expect(cycle).toMatchObject({ pipeline: 'events', outcome: expect.any(String), failing: [] });
  }

  await publish(10);
  expect(await commands.run('checkpoint')).toMatchObject({ code: 0, answer: { outcome: 'completed' } });
  expect(await commands.run('audit', '--since', String(checkpointOf(lines)))).toMatchObject({
    code: 0,
    answer: { messages: 10 },
  });
  expect(await commands.run('audit', '--since', '0')).toMatchObject({
    code: 0,
    answer: { exact: true, messages: 20 },
  });

  // Somebody holds the partition: leaving it is done as told, waiting for it can be ended.
  await leaveHeld(place, file, 'elsewhere/1/1', HOUR);
  expect(await commands.run('consume', '--no-wait')).toMatchObject({
    code: 0,
    answer: { partitions: [{ outcome: 'busy' }] },
  });
  const waiting = commands.start('consume');
  await untilSaid(waiting.child.stderr, 'held by somebody else');
  waiting.child.kill('SIGINT');
  expect(await waiting.ended).toMatchObject({ code: 130, answer: { partitions: [{ outcome: 'busy' }] } });
}, 60_000);
