import { expect, test } from 'vitest';
import { NO_TOTALS, type PartitionState } from '../../../lib/pipeline/partition-state.ts';
import type { Position } from '../../../lib/pipeline/position.ts';
import type { StateStore } from '../../../lib/ports/state-store.ts';
import { batchesIn, piecesOf, readLedger } from '../../../lib/replay/comparison/ledger.ts';
import type { Journal, Operation } from '../../../lib/replay/journal.ts';
import { batchRecord, partitionState } from '../../contract/state-store/states.ts';
import { Calm } from '../contract/driven.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';

const at = (entry: number): Position => ({ ledger: 7, entry });
const NO_OPERATIONS: Journal = { operations: [], unfinished: [] };

/** A ledger in the fake's table, and how many of its records were ever answered at once. */
class Ledger {
  readonly calm = new Calm();
  readonly table = new StateTable(this.calm.link());
  mostAtOnce = 0;

  get store(): StateStore {
    const store = this.calm.driven(new SimulatedStateStore(this.calm.invocation, this.table));
    const counted = (records: readonly unknown[]) => {
      this.mostAtOnce = Math.max(this.mostAtOnce, records.length);
    };
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (name !== 'readBatches' && name !== 'readBatchesFrom') return member;
        return async (...given: Parameters<StateStore['readBatchesFrom']>) => {
          const records = await Reflect.apply(member as StateStore['readBatchesFrom'], target, given);
          counted(records);
          return records;
        };
      },
    });
  }

  get deadline(): number {
    return this.calm.deadline();
  }

  /** Batches of ten entries each with seven rows; those below `first` have expired. */
  fill(generation: string, batches: number, origin: number, first = 1): void {
    for (let seq = first; seq <= batches; seq += 1)
      this.table.putBatch(
        batchRecord('iot', {
          ...{ generation, seq, rows: 7, messages: 7, filtered: 0, deadLetters: undefined },
          ...{ after: at(origin + (seq - 1) * 10), to: at(origin + seq * 10), publishedUpTo: seq },
        }),
      );
  }
}

function stateAt(generation: string, batches: number, origin: number): PartitionState {
  return partitionState('iot', {
    ...{ generation, seq: batches, origin: at(origin), committed: at(origin + batches * 10) },
    totals: { ...NO_TOTALS, batches, rows: batches * 7, messages: batches * 7 },
  });
}

test('of a ledger of 11,000 batches an audit holds no more than 5,000, and reads some at a time', async () => {
  const ledger = new Ledger();
  ledger.fill('g2', 11_000, 0);
  const state = stateAt('g2', 11_000, 0);
  const sources = { store: ledger.store, journal: NO_OPERATIONS, replays: [] };
  const pieces = await piecesOf(sources, state, { after: at(0), to: state.committed }, ledger.deadline);
  let end = at(0);
  let batches = 0;
  for (const piece of pieces) {
    expect(piece.after).toEqual(end);
    const part = batchesIn(
      (await readLedger(sources, state, ledger.deadline, piece)).batches,
      piece.after,
      piece.to,
    );
    expect(part.length).toBeLessThanOrEqual(5_000);
    expect(part[0]?.after).toEqual(piece.after);
    expect(part.at(-1)?.to).toEqual(piece.to);
    batches += part.length;
    end = piece.to;
  }
  expect(end).toEqual(state.committed);
  expect(batches).toBe(11_000);
  expect(ledger.mostAtOnce).toBeLessThanOrEqual(2_000);
});

test('what is read of the newest hundred batches does not depend on what lies below', async () => {
  const ledger = new Ledger();
  ledger.fill('g2', 8_000, 0);
  const state = stateAt('g2', 8_000, 0);
  let requests = 0;
  const counting = new Proxy(ledger.store, {
    get: (target, name) => {
      if (name === 'readBatchesFrom') requests += 1;
      return Reflect.get(target, name);
    },
  });
  const sources = { store: counting, journal: NO_OPERATIONS, replays: [] };
  const newest = { after: at(79_000), to: state.committed };
  const { batches } = await readLedger(sources, state, ledger.deadline, newest);
  expect(batches).toHaveLength(100);
  expect(requests).toBeLessThan(40);
});

test('a part of the ledger is what the whole of it says of that part: expired, reset and cut in two', async () => {
  const ledger = new Ledger();
  // Of the first generation 5,000 batches stand; a reset went back into the middle of batch 4,001.
  ledger.fill('g1', 5_000, 0, 2_500);
  ledger.fill('g2', 6_000, 40_005, 300);
  const journal: Journal = {
    unfinished: [],
    operations: [
      {
        id: 'reset',
        ...{ by: 'somebody', at: 1, kind: 'reset', reason: 'offsets' },
        partitions: [
          {
            ...{ partition: 0, fromGeneration: 'g1', from: at(50_000), toGeneration: 'g2', to: at(40_005) },
            ...{ origin: at(0), joined: false, kept: { rows: 4_000 * 7 + 3, messages: 4_000 * 7 + 3 } },
            cut: { after: at(40_000), rows: 3, messages: 3 },
          },
        ],
      } satisfies Operation,
    ],
  };
  const state = stateAt('g2', 6_000, 40_005);
  const sources = { store: ledger.store, journal, replays: [] };
  const whole = await readLedger(sources, state, ledger.deadline);
  const ends = [0, 3, 24_990, 24_991, 30_000, 39_999, 40_000, 40_005, 40_006, 43_000, 60_000, 100_005];
  for (const [index, after] of ends.entries())
    for (const to of ends.slice(index + 1)) {
      const range = { after: at(after), to: at(to) };
      const part = await readLedger(sources, state, ledger.deadline, range);
      const wanted = batchesIn(whole.batches, range.after, range.to);
      expect(batchesIn(part.batches, range.after, range.to)).toEqual(
        wanted.map((batch) => expect.objectContaining(batch)),
      );
      expect({ origin: part.origin, skipped: part.skipped }).toEqual({
        origin: whole.origin,
        skipped: whole.skipped,
      });
    }
});
