import { describe, expect } from 'vitest';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { test } from '../../support/place.ts';
import { byHand, connectAs, consumeWith, requestOf, soon, untilDone } from '../replay/subject.ts';
import { openPayloads, type Payload, type Payloads } from './subject.ts';

const IDS = { fields: { id: 'UInt64' }, columns: { id: 'id' }, table: 'id UInt64' };
const row = (id: number): Payload => JSON.stringify({ id });
const TOMBSTONE = undefined;
/** What clients send that cannot send null. */
const EMPTY = '';

/** Twelve messages without a value of twenty: more than any ratio tolerates. */
const ENTRIES: readonly (readonly Payload[])[] = [
  [row(1), TOMBSTONE, EMPTY, row(2)],
  [TOMBSTONE],
  [EMPTY],
  Array(8).fill(TOMBSTONE),
  [row(3), row(4), row(5)],
  [row(6), row(7), row(8)],
];
const ROWS = 8;
const WITHOUT_VALUE = 12;
const MESSAGES = ROWS + WITHOUT_VALUE;

const ids = async (subject: Payloads) =>
  (await subject.rows('id', 'ORDER BY id')).trim().split('\n').map(Number);

describe('messages without a value', () => {
  test('are left out and counted as filtered: they halt nothing, and an audit knows that they have no row', async ({
    place,
  }) => {
    const subject = await openPayloads(place, IDS);
    await subject.publish(...ENTRIES);
    const counts = { messages: MESSAGES, rows: ROWS, filtered: WITHOUT_VALUE, deadLetters: 0 };
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', ...counts });
    expect(await ids(subject)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { state } = subject.dependencies;
    const own = await state.readPartition('payloads', 0, soon());
    expect(own?.totals).toMatchObject(counts);
    const batches = await state.readBatches('payloads', 0, own?.generation ?? '', soon());
    expect(batches.reduce((sum, { filtered }) => sum + filtered, 0)).toBe(WITHOUT_VALUE);
    expect(await subject.audit()).toMatchObject({ exact: true, ...counts, missing: 0, foreign: 0 });
    await subject.close();
  });

  test('a repair brings back the rows beside them and nothing else, a replace writes the same rows again', async ({
    place,
  }) => {
    const subject = await openPayloads(place, { ...IDS, also: { batch: { maxRows: 5 } } });
    await subject.publish(...ENTRIES);
    await subject.consume();
    await place.query(`ALTER TABLE ${subject.table} DELETE WHERE id IN (2, 4) SETTINGS mutations_sync = 2`);
    expect(await subject.audit()).toMatchObject({ exact: false, missing: 2 });
    for (const mode of ['repair', 'replace'] as const) {
      const { dependencies, pipeline } = subject;
      if (mode === 'replace') await pause(dependencies, byHand());
      const plan = await planReplay(dependencies, requestOf(pipeline, { mode }), dependencies, {
        deadline: soon(),
      });
      const record = await startReplay(dependencies, plan, 'a test', soon());
      expect(await untilDone(dependencies, record)).toMatchObject({ done: true });
      if (mode === 'replace') await resumePipeline(dependencies, byHand());
      expect(await ids(subject)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await subject.audit()).toMatchObject({ exact: true, rows: ROWS, filtered: WITHOUT_VALUE });
    }
    await subject.close();
  });

  test('are dead letters where the file says so, and count as filtered once a redrive finds that it no longer does', async ({
    place,
  }) => {
    const subject = await openPayloads(place, {
      ...IDS,
      source: { nullValues: 'deadLetter' },
      also: { deadLetters: { maxRatio: 1 } },
    });
    await subject.publish(...ENTRIES);
    const counts = { rows: ROWS, filtered: 0, deadLetters: WITHOUT_VALUE };
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', ...counts });
    expect(await subject.audit()).toMatchObject({ exact: true, ...counts });

    const { source } = subject.pipeline;
    const skipping = await connectAs(place, {
      ...subject.pipeline,
      source: { ...source, nullValues: 'skip' },
    });
    await subject.publish([row(9), TOMBSTONE]);
    expect(await consumeWith(skipping)).toMatchObject({ rows: 1, filtered: 1 });
    expect(await audit(skipping, {}, { deadline: soon() })).toMatchObject({
      exact: true,
      rows: ROWS + 1,
      filtered: 1,
      deadLetters: WITHOUT_VALUE,
    });
    const plan = await planRedrive(skipping, requestOf(skipping.pipeline, { mode: 'redrive' }), soon());
    const record = await startReplay(skipping, plan, 'a test', soon());
    expect(await untilDone(skipping, record)).toMatchObject({ done: true });
    expect(await audit(skipping, {}, { deadline: soon() })).toMatchObject({
      exact: true,
      rows: ROWS + 1,
      filtered: WITHOUT_VALUE + 1,
      deadLetters: 0,
    });
    await skipping.close();
    await subject.close();
  });
});
