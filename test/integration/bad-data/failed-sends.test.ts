import { describe, expect, vi } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { InsertOutcome, Sink } from '../../../lib/ports/sink.ts';
import type { Trial } from '../../../lib/ports/trial.ts';
import { test } from '../../support/place.ts';
import { openPayloads, type Payloads, type PayloadsOptions } from './subject.ts';

const OPTIONS: PayloadsOptions = {
  fields: { id: 'UInt64' },
  columns: { id: 'id' },
  table: 'id UInt64',
  also: { batch: { insertTimeout: '2s' }, consume: { lease: '2s' } },
};
const messages = (from: number, upTo: number) =>
  Array.from({ length: upTo - from }, (_, index) => `{"id":${from + index}}`);

function answered(code: 'PH_INSERT_FAILED' | 'PH_CLICKHOUSE_BUSY' | 'PH_CLICKHOUSE_ACCESS'): InsertOutcome {
  const meaning = code === 'PH_CLICKHOUSE_ACCESS' ? 'access' : undefined;
  return {
    kind: 'answered',
    meaning,
    serverCode: 1001,
    error: new PulsehouseError(code, 'in the words of the server'),
  };
}

/** The real sink with some of its calls done otherwise. */
function sinkWith(payloads: Payloads, changed: Partial<Sink>): Sink {
  const { sink } = payloads.ports;
  return new Proxy(sink, {
    get(target, name) {
      const member: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

const consumeWith = ({ dependencies }: Payloads, sink: Sink) =>
  consume(
    { ...dependencies, sink },
    { partition: 0, owner: environment.uniqueId(), deadline: environment.now() + 60_000, until: 'drained' },
  );

const stateOf = ({ ports, pipeline }: Payloads) =>
  ports.state.readPartition(pipeline.name, 0, environment.now() + 10_000);

describe('an insert that fails again and again', () => {
  test('halts after a few tries where every row passes by itself', async ({ place }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish(messages(0, 20));
    const insert = vi.fn(async () => answered('PH_INSERT_FAILED'));
    const halted = await consumeWith(payloads, sinkWith(payloads, { insert }));
    expect(halted).toMatchObject({ outcome: 'halted', rows: 0, halt: { code: 'PH_HALT_REFUSED' } });
    expect(halted.halt?.reason).toContain('in the words of the server');
    expect(insert).toHaveBeenCalledTimes(4);
    await payloads.close();
  });

  test('is made as the rows were tried where every row passes by itself, and then goes in', async ({
    place,
  }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish(messages(0, 20));
    const { sink } = payloads.ports;
    const insert: Sink['insert'] = async (send) =>
      send.asTried ? sink.insert(send) : answered('PH_INSERT_FAILED');
    expect(await consumeWith(payloads, sinkWith(payloads, { insert }))).toMatchObject({
      outcome: 'drained',
      rows: 20,
      deadLetters: 0,
    });
    expect(await payloads.rows('count(), uniqExact(id)')).toBe('20\t20\n');
    await payloads.close();
  });

  test('ends the invocation and no more where the error passes by itself', async ({ place }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish(messages(0, 20));
    const insert = async () => answered('PH_CLICKHOUSE_BUSY');
    await expect(consumeWith(payloads, sinkWith(payloads, { insert }))).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_BUSY',
      kind: 'retryable',
    });
    expect(await stateOf(payloads)).toMatchObject({ halted: undefined });
    expect(await payloads.consume()).toMatchObject({ outcome: 'drained', rows: 20 });
    await payloads.close();
  });

  test('is waited for where a right is missing: nobody has to resume', async ({ place }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish(messages(0, 20));
    const insert = async () => answered('PH_CLICKHOUSE_ACCESS');
    await expect(consumeWith(payloads, sinkWith(payloads, { insert }))).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_ACCESS',
    });
    expect(await stateOf(payloads)).toMatchObject({ halted: undefined });
    expect(await payloads.consume()).toMatchObject({ outcome: 'drained', rows: 20 });
    await payloads.close();
  });
});

describe('a search for bad rows', () => {
  test('keeps what it found when it ends early', async ({ place }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish([...messages(0, 20), '{"id":"none"}', '{"id":"none either"}']);
    const { sink } = payloads.ports;
    const openTrial = (): Trial => {
      const trial = sink.openTrial();
      return {
        probe: (body, from, to, depth, deadline) => trial.probe(body, from, to, depth, deadline),
        sift: async () => [],
        alike: async () => {
          throw new PulsehouseError('PH_CLICKHOUSE_UNREACHABLE', 'the server went away');
        },
        close: () => trial.close(),
      };
    };
    await expect(consumeWith(payloads, sinkWith(payloads, { openTrial }))).rejects.toMatchObject({
      code: 'PH_CLICKHOUSE_UNREACHABLE',
    });
    const state = await stateOf(payloads);
    expect(state?.inFlight).toMatchObject([{ messages: 22, rows: 21, deadLetters: { count: 1 } }]);
    expect(await payloads.consume()).toMatchObject({ outcome: 'drained', rows: 20, deadLetters: 2 });
    expect(await payloads.audit()).toMatchObject({ exact: true });
    await payloads.close();
  });
});

describe('rows that a TTL takes as soon as they are there', () => {
  test('do not halt a batch in doubt', async ({ place }) => {
    const payloads = await openPayloads(place, {
      ...OPTIONS,
      fields: { id: 'UInt64', time: 'DateTime' },
      columns: { id: 'id', time: 'time' },
      table: 'id UInt64, time DateTime',
      tail: 'ORDER BY id TTL time + INTERVAL 30 DAY',
    });
    await place.query(`ALTER TABLE ${payloads.table} MODIFY SETTING merge_with_ttl_timeout = 0`);
    await payloads.publish(
      Array.from({ length: 30 }, (_, id) => `{"id":${id},"time":"2020-01-01 00:00:0${id % 10}"}`),
    );
    const gone = async () => {
      const until = Date.now() + 60_000;
      while ((await payloads.rows('count()')) !== '0\n' && Date.now() < until) await environment.sleep(100);
    };
    const { sink } = payloads.ports;
    // Each answer is lost for the first send of an attempt's rows, and the TTL has taken them by the time they are counted.
    let sends = 0;
    const insert: Sink['insert'] = async (send) => {
      const outcome = await sink.insert(send);
      sends += 1;
      await gone();
      if (sends > 1) return outcome;
      return { kind: 'in-doubt', error: new PulsehouseError('PH_INSERT_UNANSWERED', 'the answer was lost') };
    };
    expect(await consumeWith(payloads, sinkWith(payloads, { insert }))).toMatchObject({
      outcome: 'drained',
      rows: 30,
    });
    expect(sends).toBe(3);
    await payloads.close();
  });
});

describe('a mapping deployed while an insert is in doubt', () => {
  test('waits until no insert by the earlier one can arrive any more', async ({ place }) => {
    const payloads = await openPayloads(place, OPTIONS);
    await payloads.publish(messages(0, 20));
    const lost: InsertOutcome = {
      kind: 'in-doubt',
      error: new PulsehouseError('PH_INSERT_UNANSWERED', 'the answer was lost'),
    };
    await expect(
      consumeWith(payloads, sinkWith(payloads, { insert: async () => lost })),
    ).rejects.toMatchObject({ code: 'PH_INSERT_UNANSWERED' });
    const kill = vi.fn(async () => undefined);
    const changed = sinkWith(payloads, { mapping: 'another one', kill });
    expect(await consumeWith(payloads, changed)).toMatchObject({ outcome: 'drained', rows: 20 });
    expect(kill).toHaveBeenCalledTimes(1);
    expect(await payloads.rows('count(), uniqExact(id)')).toBe('20\t20\n');
    await payloads.close();
  });
});
