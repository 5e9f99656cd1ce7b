import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { type PlanDependencies, planReplay } from '../../../lib/replay/replay/plan.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { reset } from '../../../lib/replay/reset/reset.ts';
import { test } from '../../support/place.ts';
import { openPayloads, type Payload, type Payloads } from '../bad-data/subject.ts';
import { byHand, connectAs, consumeWith, requestOf, soon, untilDone } from '../replay/subject.ts';

const COLUMNS = { fields: { id: 'UInt64', n: 'UInt8' }, columns: { id: 'id', share: 'intDiv(100, n)' } };
const WHERE = {
  ...COLUMNS,
  table: 'id UInt64, share UInt8',
  also: { where: 'id % 2 = 0', batch: { maxRows: 4 } },
};
const row = (id: number, n = 1): Payload => JSON.stringify({ id, n });

/** One entry each: ids from 1, two of four meet the condition; one message has no value. */
const ENTRIES: readonly (readonly Payload[])[] = [
  [row(1), row(2), row(3), row(4)],
  [row(5), row(6), row(7), row(8)],
  [row(9), undefined, row(11), row(13)],
  [row(12)],
];
const COUNTS = { messages: 13, rows: 5, filtered: 8, deadLetters: 0 };
const IDS = [2, 4, 6, 8, 12];

const ids = async (subject: Payloads) =>
  (await subject.rows('id', 'ORDER BY id'))
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);

/** The same dependencies, where what a send answers is another than the server's answer. */
function answering(
  dependencies: PlanDependencies,
  insert: PlanDependencies['sink']['insert'],
): PlanDependencies {
  const sink = new Proxy(dependencies.sink, {
    get: (real, name) => {
      if (name === 'insert') return insert;
      const value: unknown = Reflect.get(real, name);
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
  return { ...dependencies, sink };
}

async function replayed(dependencies: PlanDependencies, mode: 'repair' | 'replace'): Promise<void> {
  if (mode === 'replace') await pause(dependencies, byHand());
  const asked = requestOf(dependencies.pipeline, { mode });
  const plan = await planReplay(dependencies, asked, dependencies, { deadline: soon() });
  const record = await startReplay(dependencies, plan, 'a test', soon());
  expect(await untilDone(dependencies, record)).toMatchObject({ done: true });
  if (mode === 'replace') await resumePipeline(dependencies, byHand());
}

describe('where', () => {
  test('counts the same where only the server can read some of the messages', async ({ place }) => {
    const subject = await openPayloads(place, WHERE);
    await subject.publish(
      [row(1), row(2), '{"id":"3","n":1}', '{"id":"4","n":1}', row(6)],
      ['{"id":"8","n":1}'],
      ['{"id":"9","n":1}', '{"id":"ten","n":1}', row(12)],
    );
    const outcome = await consumeWith(subject.dependencies);
    expect(outcome).toMatchObject({ outcome: 'drained', messages: 9, rows: 5, filtered: 3, deadLetters: 1 });
    expect(await ids(subject)).toEqual([2, 4, 6, 8, 12]);
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 5, filtered: 3, deadLetters: 1 });
  });

  test('leaves out what does not meet it: counted by batch, totals and audit, and no question is asked for it', async ({
    place,
  }) => {
    const subject = await openPayloads(place, WHERE);
    const questions = { unmet: 0 };
    const { sink } = subject.dependencies;
    const counting = new Proxy(sink, {
      get: (real, name) => {
        if (name === 'unmet') questions.unmet += 1;
        const value: unknown = Reflect.get(real, name);
        return typeof value === 'function' ? value.bind(real) : value;
      },
    });
    await subject.publish(...ENTRIES);
    const outcome = await consumeWith({ ...subject.dependencies, sink: counting });
    expect(outcome).toMatchObject({ outcome: 'drained', ...COUNTS });
    expect(questions.unmet).toBe(0);
    expect(await ids(subject)).toEqual(IDS);
    const { state } = subject.dependencies;
    const own = await state.readPartition('payloads', 0, soon());
    expect(own?.totals).toMatchObject(COUNTS);
    const batches = await state.readBatches('payloads', 0, own?.generation ?? '', soon());
    for (const { messages, rows, filtered } of batches) expect(rows + filtered).toBe(messages);
    // The third one stored nothing.
    expect(batches.map(({ rows }) => rows)).toContain(0);
    expect(await subject.audit()).toMatchObject({ exact: true, ...COUNTS, missing: 0, foreign: 0 });
    await subject.close();
  });

  test.for([
    ['all', 'id > 100', []],
    ['none', 'id < 100', [1, 2, 3, 4]],
    ['what it is NULL of', 'nullIf(id, 2) > 1', [3, 4]],
  ] as const)('filters %s', async ([, where, left], { place }) => {
    const subject = await openPayloads(place, { ...WHERE, also: { where } });
    await subject.publish([row(1), row(2), row(3), row(4)]);
    expect(await subject.consume()).toMatchObject({ rows: left.length, filtered: 4 - left.length });
    expect(await ids(subject)).toEqual(left);
    expect(await subject.audit()).toMatchObject({ exact: true, filtered: 4 - left.length });
    await subject.close();
  });

  test('is read by the publish time too', async ({ place }) => {
    const subject = await openPayloads(place, {
      ...WHERE,
      also: { where: '_publish_time > 1000 AND id = 2' },
    });
    await subject.publish([row(1), row(2)]);
    expect(await subject.consume()).toMatchObject({ rows: 1, filtered: 1 });
    expect(await subject.audit()).toMatchObject({ exact: true });
    await subject.close();
  });

  test('a row that no column can be computed of is bad only if it meets it; one that cannot be read is bad anyway', async ({
    place,
  }) => {
    const subject = await openPayloads(place, WHERE);
    await subject.publish(
      [row(1, 0), row(2, 0), row(3), row(4)],
      [JSON.stringify({ id: 5, n: 'x' }), row(6), row(8, 0), row(7, 0)],
    );
    expect(await subject.consume()).toMatchObject({ rows: 2, filtered: 3, deadLetters: 3, messages: 8 });
    expect(await ids(subject)).toEqual([4, 6]);
    expect(await subject.audit()).toMatchObject({ exact: true, filtered: 3, deadLetters: 3 });
    await subject.close();
  });

  test.for([
    ['of an insert that stored', true],
    ['of an insert that never came', false],
  ] as const)('an answer is lost %s: what met it is counted by asking', async ([, isStored], { place }) => {
    const subject = await openPayloads(place, WHERE);
    const { dependencies } = subject;
    await subject.publish(...ENTRIES);
    let lost = 0;
    const flaky = answering(dependencies, async (send) => {
      if (lost >= 3) return dependencies.sink.insert(send);
      lost += 1;
      if (isStored) await dependencies.sink.insert(send);
      return dependencies.sink.insert({ ...send, deadline: environment.now() - 1 });
    });
    expect(await consumeWith(flaky)).toMatchObject({ outcome: 'drained', ...COUNTS });
    expect(await ids(subject)).toEqual(IDS);
    expect(await subject.audit()).toMatchObject({ exact: true, ...COUNTS });
    await subject.close();
  });

  test('a successor settles what a killed consumer left, by the same condition and by another one', async ({
    place,
  }) => {
    const subject = await openPayloads(place, {
      ...WHERE,
      also: { where: 'id % 2 = 0', batch: { insertTimeout: '2s' } },
    });
    for (const where of ['id % 2 = 0', 'id % 3 = 0']) {
      await subject.publish(...ENTRIES);
      let killed = false;
      const never = new Promise<never>(() => undefined);
      const dying = answering(subject.dependencies, async (send) => {
        await subject.dependencies.sink.insert(send);
        killed = true;
        return never;
      });
      const sleep = (...of: Parameters<typeof environment.sleep>) =>
        killed ? never : environment.sleep(...of);
      void consumeWith({ ...dying, environment: { ...environment, sleep } });
      await expect.poll(() => killed).toBe(true);
      const successor = await connectAs(place, { ...subject.pipeline, where });
      await expect
        .poll(async () => (await consumeWith(successor)).outcome, { timeout: 30_000 })
        .toBe('drained');
      const isChanged = where !== subject.pipeline.where;
      // What stood stays; what is sent later is judged by the condition of then.
      expect((await ids(subject)).length).toBe(isChanged ? 2 * IDS.length + 2 : IDS.length);
      expect(await audit(successor, {}, { deadline: soon() })).toMatchObject({ exact: true });
      await successor.close();
    }
    await subject.close();
  });

  test('views: each batch is counted by asking, and they get what met it', async ({ place }) => {
    const subject = await openPayloads(place, WHERE);
    await place.query(
      `CREATE MATERIALIZED VIEW ${subject.table}_view ENGINE = MergeTree ORDER BY id AS SELECT id FROM ${subject.table} WHERE id > 5`,
    );
    await subject.publish(...ENTRIES);
    expect(await subject.consume()).toMatchObject(COUNTS);
    expect(await ids(subject)).toEqual(IDS);
    expect((await place.query(`SELECT count() FROM ${subject.table}_view FORMAT TSV`)).trim()).toBe('3');
    const own = await subject.dependencies.state.readPartition('payloads', 0, soon());
    expect(own?.viewGaps).toBeUndefined();
    expect(await subject.audit()).toMatchObject({ exact: true, ...COUNTS });
    await subject.close();
  });

  test('an audit tells a lost row from a filtered message, a repair brings it back, a replace writes the same rows', async ({
    place,
  }) => {
    const subject = await openPayloads(place, WHERE);
    await subject.publish(...ENTRIES);
    await subject.consume();
    await place.query(`ALTER TABLE ${subject.table} DELETE WHERE id IN (4, 12) SETTINGS mutations_sync = 2`);
    expect(await subject.audit()).toMatchObject({ exact: false, missing: 2, filtered: 8 });
    for (const mode of ['repair', 'replace'] as const) {
      await replayed(subject.dependencies, mode);
      expect(await ids(subject)).toEqual(IDS);
      expect(await subject.audit()).toMatchObject({ exact: true, ...COUNTS });
    }
    await subject.close();
  });

  test('a batch keeps the decision it was stored under; a replace decides by the condition of now', async ({
    place,
  }) => {
    const subject = await openPayloads(place, WHERE);
    await subject.publish(...ENTRIES);
    await subject.consume();
    const later = await connectAs(place, { ...subject.pipeline, where: 'id > 6' });
    const audited = () => audit(later, {}, { deadline: soon() });
    expect(await audited()).toMatchObject({ exact: true, ...COUNTS });
    await place.query(`ALTER TABLE ${subject.table} DELETE WHERE id = 8 SETTINGS mutations_sync = 2`);
    expect(await audited()).toMatchObject({ exact: false, missing: 1 });
    await replayed(later, 'replace');
    expect(await ids(subject)).toEqual([7, 8, 9, 11, 12, 13]);
    expect(await audited()).toMatchObject({ exact: true, rows: 6, filtered: 7 });
    await subject.publish([row(3), row(13)]);
    expect(await consumeWith(later)).toMatchObject({ outcome: 'drained', rows: 1, filtered: 1 });
    await later.close();
    await subject.close();
  });

  test('a reset into the middle of a batch counts what stays below it', async ({ place }) => {
    const subject = await openPayloads(place, { ...WHERE, also: { where: 'id % 2 = 0' } });
    await subject.publish(...ENTRIES);
    expect(await subject.consume()).toMatchObject({ batches: 1 });
    const { dependencies } = subject;
    const own = await dependencies.state.readPartition('payloads', 0, soon());
    const middle = { ledger: own?.committed.ledger ?? 0, entry: 1 };
    await pause(dependencies, byHand());
    await reset(dependencies, { reason: 'offsets', positions: new Map([[0, middle]]) }, byHand());
    await resumePipeline(dependencies, byHand());
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 1, filtered: 4 });
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 5, filtered: 8 });
    await subject.close();
  });
});
