import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Answered, type Commands, commandsFor } from '../../../examples/tour/commands.ts';
import type { PipelineStatus, ReplayStatusLine } from '../../../lib/replay/status.ts';
import { createTopic, EVENTS_DDL, EVENTS_SOURCE, publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';

const PATIENCE = 300_000;
const PARTITIONS = 2;
const ENTRIES = 50;
const ROWS = PARTITIONS * ENTRIES * 10;

async function prepare(place: Place, signal: AbortSignal): Promise<Commands> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-cli-'));
  const topic = place.topic('events');
  const file = join(folder, 'pipeline.yml');
  const ddl = join(folder, 'events.sql');
  await writeFile(ddl, EVENTS_DDL);
  const pipeline = {
    name: 'events',
    topic,
    subscription: 'pulsehouse-events',
    target: { database: place.database, table: 'events' },
    ...EVENTS_SOURCE,
    // Many batches, so that a replay takes long enough to be met in the middle.
    batch: { maxRows: 20 },
    consume: { lease: '2s' },
    checkpoint: { interval: '2s', flushTimeout: '1s' },
  };
  await writeFile(file, JSON.stringify(pipeline));
  await createTopic(place.environment, topic, PARTITIONS);
  const commands = commandsFor(file, place.environment, signal);
  expect(await commands.run('init', '--ddl', ddl)).toMatchObject({ code: 0 });
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const publication = { entries: ENTRIES, messagesAnEntry: 10, from: partition * ENTRIES * 10 };
    await publishEvents(place.environment, `${topic}-partition-${partition}`, publication);
  }
  expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });
  return commands;
}

async function lose(place: Place): Promise<void> {
  await place.query(
    `ALTER TABLE ${place.database}.events DELETE WHERE id % 3 = 0 SETTINGS mutations_sync = 2`,
  );
}

/** The newest replay, once it is as wanted. */
async function replayThat(
  commands: Commands,
  isWanted: (replay: ReplayStatusLine) => boolean,
): Promise<ReplayStatusLine> {
  for (;;) {
    const { answer } = await commands.run('status');
    const newest = (answer as unknown as PipelineStatus).replays[0];
    if (newest && isWanted(newest)) return newest;
    await sleep(200);
  }
}

function expectCalm({ code, said }: Answered): void {
  expect(said).not.toMatch(/error|failed|PH_/i);
  expect(code).toBe(0);
}

test(
  'a replay killed, continued, left and cancelled while a running pipeline carries it on: nobody is alarmed, all is exact',
  async ({ place, signal }) => {
    const commands = await prepare(place, signal);
    const pipeline = commands.start('run');

    await lose(place);
    const first = commands.start('replay', '--mode', 'repair', '--yes');
    const { id } = await replayThat(commands, ({ status }) => status === 'running');
    first.child.kill('SIGKILL');
    const [continued, again] = await Promise.all([
      commands.run('replay', '--continue', id),
      commands.run('replay', '--continue', id),
    ]);
    expectCalm(continued);
    expectCalm(again);
    expect(continued.answer).toMatchObject({ status: 'complete', exact: true, missing: 0 });
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: ROWS } });

    await lose(place);
    expectCalm(await commands.run('replay', '--mode', 'repair', '--yes', '--detach'));
    const left = await replayThat(commands, ({ id: newest }) => newest !== id);
    expectCalm(await commands.run('replay', '--cancel', left.id));
    const stands = await replayThat(commands, () => true);
    // Cancelled, unless the pipeline was quicker.
    expect(['cancelled', 'complete']).toContain(stands.status);
    expectCalm(await commands.run('replay', '--mode', 'repair', '--yes', '--detach'));
    await replayThat(commands, ({ status }) => status !== 'running');
    expect(await commands.run('audit')).toMatchObject({ code: 0, answer: { exact: true, rows: ROWS } });

    pipeline.child.kill('SIGTERM');
    expectCalm(await pipeline.ended);
  },
  PATIENCE,
);
