import { describe, expect } from 'vitest';
import type { InsertSend } from '../../../lib/ports/sink.ts';
import { cancelReplay } from '../../../lib/replay/replay/cancel.ts';
import { entriesToRepair } from '../../../lib/replay/replay/plan.ts';
import { advanceReplay, startReplay } from '../../../lib/replay/replay/replay.ts';
import { test } from '../../support/place.ts';
import { byHand, openSubject, soon, untilDone } from './subject.ts';

describe('verify and repair', () => {
  test('a healthy range is exact, whichever way it is named', async ({ place }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(20);
    await subject.consumeAll();
    const { checkpoint: first } = await subject.cycle();
    await subject.publish(10);
    await subject.consumeAll();
    const { checkpoint: second } = await subject.cycle();
    const between = await subject.plan({
      from: { kind: 'checkpoint', number: first },
      to: { kind: 'checkpoint', number: second },
    });
    expect(between).toMatchObject({ messages: 200, missing: 0, doubled: 0, foreign: 0 });
    expect(await subject.plan()).toMatchObject({ messages: 600, missing: 0, doubled: 0, foreign: 0 });
    const recent = await subject.plan({ from: { kind: 'time', publishTime: 0 } });
    expect(recent.messages).toBe(600);
    await subject.close();
  });

  test('verify names exactly the rows that were deleted, doubled or made up', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(20);
    await subject.consumeAll();
    await subject.double('id = 42');
    await subject.lose('id IN (7, 8, 150)');
    await place.query(
      `INSERT INTO ${subject.table} (id, _partition, _ledger, _entry, _index) SELECT 1000, _partition, _ledger, _entry, 77 FROM ${subject.table} WHERE id = 100`,
    );
    const plan = await subject.plan();
    expect(plan).toMatchObject({ missing: 3, doubled: 1, foreign: 1 });
    const findings = plan.ranges[0]?.found.findings ?? [];
    expect(
      findings.map(({ where, missing, doubled, foreign }) => [
        where.split(':')[1],
        missing,
        doubled,
        foreign,
      ]),
    ).toEqual([
      ['0', 2, 0, 0],
      ['4', 0, 1, 0],
      ['10', 0, 0, 1],
      ['15', 1, 0, 0],
    ]);
    await subject.close();
  });

  test('repair brings back what is missing and nothing else, and consumption goes on beside it', async ({
    place,
  }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(40);
    await subject.consumeAll();
    const lost = await subject.lose('id % 7 = 3');
    expect(lost).toBeGreaterThan(50);
    expect(await subject.audit()).toMatchObject({ exact: false, missing: lost, doubled: 0 });
    await subject.publish(20);
    const [progress] = await Promise.all([subject.replay({ mode: 'repair' }), subject.consumeAll()]);
    expect(progress).toMatchObject({ done: true, record: { status: 'complete' } });
    expect(await subject.audit()).toMatchObject({ exact: true, messages: 1200, rows: 1200, drained: true });
    await subject.close();
  });

  test('a repair goes over what is missing and not over what lies between', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(300);
    await subject.consumeAll();
    await subject.lose('id IN (13, 27, 2990)');
    const plan = await subject.plan({ mode: 'repair' });
    expect(entriesToRepair(plan.ranges)).toBe(3);
    const { record, partitions } = await subject.replay({ mode: 'repair' });
    expect(record.ranges).toHaveLength(2);
    expect(partitions).toMatchObject([{ messages: 30, batches: 2, done: true }]);
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 3_000 });
    // A range within a batch is not held against all of the batch.
    const { to } = record.ranges[0] ?? { to: { ledger: 0, entry: 0 } };
    const one = { kind: 'position', position: to } as const;
    expect(await subject.plan({ from: one, to: one })).toMatchObject({
      messages: 10,
      missing: 0,
      forgotten: 0,
    });

    // So many stretches that reading them apart spares little: they are gone through together.
    const lost = await subject.lose('id % 70 = 5');
    expect(lost).toBeGreaterThan(40);
    const scattered = await subject.replay({ mode: 'repair' });
    expect(scattered.record.ranges).toHaveLength(1);
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 3_000 });
    await subject.close();
  });

  test('a repair that was cut off anywhere is finished by the next run, exactly', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(60);
    await subject.consumeAll();
    await subject.lose('id % 3 = 0');
    const record = await startReplay(
      subject.dependencies,
      await subject.plan({ mode: 'repair' }),
      'a test',
      soon(),
    );
    // The insert is done and its answer never arrives: the invocation dies in doubt.
    const { sink } = subject.dependencies;
    let inserts = 0;
    const dying = {
      ...subject.dependencies,
      sink: new Proxy(sink, {
        get(target, name) {
          if (name === 'insert') {
            return async (send: InsertSend) => {
              inserts += 1;
              await sink.insert(send);
              throw new TypeError('the process died');
            };
          }
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    };
    await expect(advanceReplay(subject.dependencies, record, dying, byHand())).rejects.toThrow(
      'the process died',
    );
    expect(inserts).toBeGreaterThan(0);
    const progress = await untilDone(subject.dependencies, record);
    expect(progress.done).toBe(true);
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 600 });
    await subject.close();
  });

  test('a partition with rows too many is left out of a repair', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    await subject.lose('id = 3');
    await subject.double('id = 4');
    const plan = await subject.plan({ mode: 'repair' });
    expect(plan.ranges[0]?.leftOut).toContain('1 rows too many');
    await subject.close();
  });

  test('one replay at a time; a cancelled one lets the next begin', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    await subject.lose('id = 3');
    const plan = await subject.plan({ mode: 'repair' });
    const record = await startReplay(subject.dependencies, plan, 'a test', soon());
    await expect(startReplay(subject.dependencies, plan, 'a test', soon())).rejects.toMatchObject({
      code: 'PH_REPLAY_BUSY',
    });
    const cancelled = await cancelReplay(subject.dependencies, record, subject.dependencies, byHand());
    expect(cancelled.status).toBe('cancelled');
    expect(await subject.replay({ mode: 'repair' })).toMatchObject({ done: true });
    expect(await subject.audit()).toMatchObject({ exact: true });
    await subject.close();
  });
});
