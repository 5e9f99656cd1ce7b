import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import { ensureStateTable } from '../../../lib/dynamodb/table-setup.ts';
import { type Fault, type FaultyGateway, openFaultyGateway } from '../../support/faulty-gateway.ts';
import { soon, tableAt } from './emulators.ts';
import { batchRecord, partitionState, uniquePipeline } from './states.ts';

/** The store behind a network that throttles, loses and swallows; the server itself is real. */
export function faultContract(name: string, endpoint: () => string): void {
  describe(`${name}: faults`, () => {
    const tableName = `faults-${randomUUID()}`;
    let gateway: FaultyGateway;
    const open = () => dynamoStateStore(tableAt(gateway.endpoint, tableName));

    beforeAll(async () => {
      gateway = await openFaultyGateway(endpoint());
      await ensureStateTable(tableAt(gateway.endpoint, tableName), soon());
    });
    afterAll(() => gateway.close());

    const passing: readonly [string, Fault[]][] = [
      ['throttling', ['throttle', 'throttle']],
      ['a lost reply', ['lose-reply']],
      ['two lost replies', ['lose-reply', 'lose-reply']],
      ['an overloaded balancer', ['break', 'break']],
    ];

    it.each(passing)('%s: a write is carried out once and answered as written', async (_, faults) => {
      const store = open();
      const state = partitionState(uniquePipeline());
      await store.createPartition(state, soon());
      const next = {
        ...state,
        version: state.version + 1,
        follows: state.writeId,
        writeId: randomUUID(),
        flushed: 5,
      };
      gateway.plan(...faults);
      expect(await store.writePartition(next, soon())).toEqual({ written: true });
      expect(gateway.seen()).toBe(faults.length + 1);
      expect(await store.readPartition(state.pipeline, 0, soon())).toStrictEqual(next);
    });

    it.each(passing)('%s: a lease is taken once, under one epoch', async (_, faults) => {
      const store = open();
      const state = partitionState(uniquePipeline());
      await store.createPartition(state, soon());
      gateway.plan(...faults);
      const now = Date.now();
      const claim = { owner: 'me', writeId: randomUUID(), now, leaseUntil: now + 60_000 };
      const result = await store.takePartition(state.pipeline, 0, claim, soon());
      expect(result).toMatchObject({ taken: true, state: { epoch: state.epoch + 1, owner: 'me' } });
      expect(await store.readPartition(state.pipeline, 0, soon())).toStrictEqual(
        'state' in result && result.state,
      );
    });

    it.each(passing)('%s: a record is listed once', async (_, faults) => {
      const store = open();
      const record = batchRecord(uniquePipeline());
      gateway.plan(...faults);
      await store.putBatch(record, soon());
      expect(await store.readBatches(record.pipeline, 0, 'g1', soon())).toStrictEqual([record]);
    });

    it('a condition that does not hold is obeyed at once, never retried', async () => {
      const store = open();
      const state = partitionState(uniquePipeline());
      await store.createPartition(state, soon());
      gateway.plan();
      const stale = { ...state, writeId: randomUUID() };
      expect(await store.writePartition(stale, soon())).toStrictEqual({ written: false, found: state });
      expect(gateway.seen()).toBe(1);
    });

    it('throttling that does not end is in doubt at the deadline', async () => {
      const store = open();
      gateway.plan(...Array.from<Fault>({ length: 1_000 }).fill('throttle'));
      const reading = store.readPartition(uniquePipeline(), 0, Date.now() + 1_500);
      await expect(reading).rejects.toMatchObject({ code: 'PH_STATE_UNREACHABLE', kind: 'in-doubt' });
      gateway.plan();
    });

    it('silence ends at the deadline, and the write may yet be carried out', async () => {
      const store = open();
      const state = partitionState(uniquePipeline());
      gateway.plan(...Array.from<Fault>({ length: 100 }).fill('swallow'));
      const creating = store.createPartition(state, Date.now() + 700);
      await expect(creating).rejects.toMatchObject({
        code: 'PH_STATE_UNREACHABLE',
        message: expect.stringContaining('no answer before the deadline'),
      });
      gateway.plan();
      expect(await store.createPartition(state, soon())).toEqual({ written: true });
    });

    it('a deadline that has passed sends nothing', async () => {
      const store = open();
      gateway.plan();
      const reading = store.readPartition(uniquePipeline(), 0, Date.now() - 1);
      await expect(reading).rejects.toMatchObject({ code: 'PH_STATE_UNREACHABLE' });
      expect(gateway.seen()).toBe(0);
    });

    it('a server that is down is named', async () => {
      const store = dynamoStateStore(tableAt('http://127.0.0.1:1', tableName));
      const reading = store.readPartition(uniquePipeline(), 0, Date.now() + 500);
      await expect(reading).rejects.toMatchObject({
        code: 'PH_STATE_UNREACHABLE',
        where: { server: 'http://127.0.0.1:1' },
      });
    });
  });
}
