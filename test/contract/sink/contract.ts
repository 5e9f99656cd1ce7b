import { describe, expect, it } from 'vitest';
import { hashOfIndexes } from '../../../lib/pipeline/index-hash.ts';
import type { BatchBody, InsertOutcome, Sink } from '../../../lib/ports/sink.ts';
import { entryOf, payload, rangeAll, UNFIT } from './messages.ts';

export interface SinkSubject {
  readonly sink: Sink;
  /** By the sender's clock, far enough for one call. */
  deadline(): number;
  /** Unique in the table's life. */
  uniqueId(): string;
}

/**
 * Opens a sink on a new, empty table whose rows are made by `payload` and partitioned by their `day`, and which remembers
 * the tokens of `window` blocks.
 */
export type OpenSink = (window: number) => Promise<SinkSubject>;

/** What every Sink promises, whatever stands behind it. */
export function sinkContract(name: string, open: OpenSink): void {
  const WINDOW = 100;

  async function send(
    { deadline, sink, uniqueId }: SinkSubject,
    body: BatchBody,
    { notAfter, token }: { notAfter?: number; token?: string } = {},
  ): Promise<InsertOutcome> {
    const serverNow = await sink.serverNow(deadline());
    return sink.insert({
      body,
      token: token ?? uniqueId(),
      queryId: `contract@${uniqueId()}`,
      notAfter: notAfter ?? serverNow + 30_000,
      deadline: deadline(),
    });
  }

  function bodyOf(sink: Sink, partition: number, ...entries: ReturnType<typeof entryOf>[]): BatchBody {
    const body = sink.newBody(partition);
    for (const entry of entries) body.add(entry);
    return body;
  }

  const countAll = ({ deadline, sink }: SinkSubject, partition = 0) =>
    sink.countRows(rangeAll(partition), deadline());

  describe(`${name}: inserts`, () => {
    it('stores the rows of a body under their positions', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const body = bodyOf(sink, 3, entryOf(7, 0, [payload(), payload()]), entryOf(7, 1, [payload()]));
      expect(await send(subject, body)).toEqual({ kind: 'stored' });
      expect(await countAll(subject, 3)).toEqual({ rows: 3, distinct: 3 });
      expect(await countAll(subject, 0)).toEqual({ rows: 0, distinct: 0 });
      expect(await sink.countRowsByEntry(rangeAll(3), deadline())).toEqual([
        { position: { ledger: 7, entry: 0 }, rows: 2, distinct: 2, indexHash: hashOfIndexes([0, 1]) },
        { position: { ledger: 7, entry: 1 }, rows: 1, distinct: 1, indexHash: hashOfIndexes([0]) },
      ]);
      expect(await sink.indexesIn(rangeAll(3), deadline())).toEqual([
        { position: { ledger: 7, entry: 0 }, indexes: [0, 1] },
        { position: { ledger: 7, entry: 1 }, indexes: [0] },
      ]);
      const entries = [
        { ledger: 7, entry: 1 },
        { ledger: 7, entry: 2 },
      ];
      expect(await sink.indexesIn({ ...rangeAll(3), entries }, deadline())).toEqual([
        { position: { ledger: 7, entry: 1 }, indexes: [0] },
      ]);
      expect(await sink.indexesIn({ ...rangeAll(3), entries: [] }, deadline())).toEqual([]);
    });

    it('stores the same token once and another token again', async () => {
      const subject = await open(WINDOW);
      const body = bodyOf(subject.sink, 0, entryOf(1, 0, [payload(), payload()]));
      for (const token of ['one', 'one', 'one']) {
        expect(await send(subject, body, { token })).toEqual({ kind: 'stored' });
      }
      expect(await countAll(subject)).toEqual({ rows: 2, distinct: 2 });
      expect(await send(subject, body, { token: 'two' })).toEqual({ kind: 'stored' });
      expect(await countAll(subject)).toEqual({ rows: 4, distinct: 2 });
      const [entry] = await subject.sink.indexesIn(rangeAll(0), subject.deadline());
      expect(entry?.indexes).toEqual([0, 0, 1, 1]);
    });

    it('remembers a token for each table partition by itself', async () => {
      const subject = await open(WINDOW);
      const monday = entryOf(1, 0, [payload('2026-01-05')]);
      const both = entryOf(1, 1, [payload('2026-01-05'), payload('2026-01-06')]);
      await send(subject, bodyOf(subject.sink, 0, monday), { token: 'same' });
      await send(subject, bodyOf(subject.sink, 0, both), { token: 'same' });
      expect(await subject.sink.indexesIn(rangeAll(0), subject.deadline())).toEqual([
        { position: { ledger: 1, entry: 0 }, indexes: [0] },
        { position: { ledger: 1, entry: 1 }, indexes: [1] },
      ]);
    });

    it('forgets a token once the window of the whole table has passed', async () => {
      const subject = await open(5);
      const { sink } = subject;
      const body = bodyOf(sink, 0, entryOf(1, 0, [payload()]));
      await send(subject, body, { token: 'old' });
      for (let other = 1; other <= 5; other += 1) {
        await send(subject, bodyOf(sink, 1, entryOf(1, other, [payload()])));
      }
      await send(subject, body, { token: 'old' });
      expect(await countAll(subject)).toEqual({ rows: 2, distinct: 1 });
    });

    it('answers an error to a body with an unfit value, and stores nothing of it', async () => {
      const subject = await open(WINDOW);
      const body = bodyOf(subject.sink, 0, entryOf(1, 0, [payload(), payload(), UNFIT, payload()]));
      const outcome = await send(subject, body);
      expect(outcome).toMatchObject({ kind: 'answered' });
      expect(await countAll(subject)).toEqual({ rows: 0, distinct: 0 });
    });

    it('leaves a body in doubt that comes after its time, and stores nothing of it', async () => {
      const subject = await open(WINDOW);
      const body = bodyOf(subject.sink, 0, entryOf(1, 0, [payload()]));
      const notAfter = (await subject.sink.serverNow(subject.deadline())) - 1_000;
      expect(await send(subject, body, { notAfter })).toMatchObject({ kind: 'in-doubt' });
      expect(await countAll(subject)).toEqual({ rows: 0, distinct: 0 });
      expect(await send(subject, body, { token: 'in time' })).toEqual({ kind: 'stored' });
    });
  });

  describe(`${name}: questions`, () => {
    it('takes ranges as above the first and up to the last position, ledgers included', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const positions = [
        [1, 5],
        [1, 6],
        [2, 0],
        [2, 1],
        [4, 0],
      ] as const;
      const entries = positions.map(([ledger, entry]) => entryOf(ledger, entry, [payload()]));
      await send(subject, bodyOf(sink, 0, ...entries));
      const found = async (after: readonly [number, number], to: readonly [number, number]) => {
        const range = {
          partition: 0,
          after: { ledger: after[0], entry: after[1] },
          to: { ledger: to[0], entry: to[1] },
        };
        const byEntry = await sink.countRowsByEntry(range, deadline());
        expect((await sink.countRows(range, deadline())).rows).toBe(byEntry.length);
        return byEntry.map(({ position }) => [position.ledger, position.entry]);
      };
      expect(await found([-1, -1], [4, 0])).toEqual(positions);
      expect(await found([1, 5], [4, 0])).toEqual(positions.slice(1));
      expect(await found([1, 6], [2, 0])).toEqual([[2, 0]]);
      expect(await found([2, 0], [2, 1])).toEqual([[2, 1]]);
      expect(await found([2, 1], [3, 9])).toEqual([]);
      expect(await found([0, 9], [1, 5])).toEqual([[1, 5]]);
      expect(await found([4, 0], [4, 0])).toEqual([]);
    });

    it('tries any rows of a body, or none, and stores nothing', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const body = bodyOf(sink, 0, entryOf(1, 0, [payload(), payload()]), entryOf(1, 1, [payload(), UNFIT]));
      const trial = sink.openTrial();
      for (const depth of ['columns', 'table'] as const) {
        expect(await trial.probe(body, 0, 0, depth, deadline())).toBeUndefined();
        expect(await trial.probe(body, 0, 3, depth, deadline())).toBeUndefined();
        const whole = await trial.probe(body, 1, 4, depth, deadline());
        expect([3, undefined]).toContain(whole ? whole.row : 'passed');
        // Of few rows, what passed before the one that fails is counted.
        if (depth === 'columns') expect(whole?.among).toEqual([3, 4]);
        expect(await trial.probe(body, 3, 4, depth, deadline())).toMatchObject({
          error: { name: 'PulsehouseError' },
        });
      }
      await trial.close();
      expect(await countAll(subject)).toEqual({ rows: 0, distinct: 0 });
    });

    it('sifts the rows that cannot be read out of a body, and stores nothing', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const body = bodyOf(sink, 0, entryOf(1, 0, [UNFIT, payload()]), entryOf(1, 1, [payload(), UNFIT]));
      const trial = sink.openTrial();
      expect((await trial.sift(body, deadline())).map(({ row }) => row)).toEqual([0, 3]);
      expect(await trial.sift(bodyOf(sink, 0, entryOf(1, 2, [payload()])), deadline())).toEqual([]);
      await trial.close();
      expect(await countAll(subject)).toEqual({ rows: 0, distinct: 0 });
    });

    it('says how many blocks the table has taken since, of which table, and how many tokens it remembers', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const empty = await sink.tokenWindow(deadline());
      expect(empty).toMatchObject({ window: WINDOW, oldestBlock: -1, newestBlock: -1 });
      const seen = [];
      for (let entry = 0; entry < 3; entry += 1) {
        await send(subject, bodyOf(sink, 0, entryOf(1, entry, [payload()])));
        seen.push(await sink.tokenWindow(deadline()));
      }
      expect(new Set(seen.map(({ table }) => table))).toEqual(new Set([empty.table]));
      const newest = seen.map(({ newestBlock }) => newestBlock);
      expect(newest[1]).toBeGreaterThan(newest[0] ?? 0);
      expect(newest[2]).toBeGreaterThan(newest[1] ?? 0);
      expect(new Set(seen.map(({ oldestBlock }) => oldestBlock))).toEqual(new Set([newest[0]]));
    });

    it('says that nothing hides rows of the table and no TTL takes any, before and after there are some', async () => {
      const subject = await open(WINDOW);
      const { deadline, sink } = subject;
      const body = bodyOf(sink, 0, entryOf(1, 0, [payload()]));
      for (const rows of [0, 1]) {
        expect(await sink.countRows(rangeAll(0), deadline())).toMatchObject({ rows });
        expect(await sink.rowsHidden(deadline())).toBeUndefined();
        expect(await sink.hasTtl(deadline())).toBe(false);
        expect(await sink.expiredRows(body, deadline())).toEqual([]);
        await send(subject, body);
      }
    });

    it('kills what is not running without complaint, and its clock does not run backwards', async () => {
      const { deadline, sink } = await open(WINDOW);
      await sink.kill('nobody@', deadline());
      const first = await sink.serverNow(deadline());
      expect(await sink.serverNow(deadline())).toBeGreaterThanOrEqual(first);
    });
  });
}
