import { describe, expect } from 'vitest';
import { encodeSnapshot, snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { readSnapshot } from '../../../lib/checkpoint/snapshots.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { test } from '../../support/place.ts';
import { openSubject, soon } from './subject.ts';

describe('audit', () => {
  test('is exact on a healthy pipeline, whole and since a checkpoint, with work in flight and without', async ({
    place,
  }) => {
    const subject = await openSubject(place, 3);
    await subject.publish(20);
    await subject.consumeAll();
    const { checkpoint } = await subject.cycle();
    await subject.publish(10);
    await subject.consume(1);
    expect(await subject.audit()).toMatchObject({ exact: true, drained: false, messages: 700, problems: [] });
    const since = await audit(subject.dependencies, { since: checkpoint }, { deadline: soon() });
    expect(since).toMatchObject({ exact: true, messages: 100 });
    await subject.close();
  });

  test('sees rows above what was intended, of unknown partitions, and below where the pipeline began', async ({
    place,
  }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(10);
    await subject.consumeAll();
    await place.query(
      `INSERT INTO ${subject.table} (id, _partition, _ledger, _entry, _index) SELECT 9000, 0, _ledger, 5000, 0 FROM ${subject.table} WHERE _partition = 0 LIMIT 1`,
    );
    await place.query(
      `INSERT INTO ${subject.table} (id, _partition, _ledger, _entry, _index) VALUES (9001, 7, 1, 1, 1), (9002, 1, 0, 0, 0)`,
    );
    const report = await subject.audit();
    expect(report).toMatchObject({ exact: false, missing: 0, doubled: 0, foreign: 0 });
    expect(report.problems).toEqual([
      '1 rows belong to partition 7, which the pipeline does not know',
      expect.stringMatching(/^partition 0: 1 rows above .* that no intent explains/),
      expect.stringMatching(/^partition 1: 1 rows at or below .*, where the pipeline began to read/),
    ]);
    await subject.close();
  });

  test('goes by the ledger where Pulsar has forgotten, and says what cannot be repaired', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(20);
    await subject.consumeAll();
    const { transport } = subject.dependencies;
    const forgetful = {
      ...subject.dependencies,
      transport: {
        ...transport,
        openReader: async (...[topic, options, deadline]: Parameters<typeof transport.openReader>) => {
          const reader = await transport.openReader(topic, options, deadline);
          for (let entry = 0; entry < 7; entry += 1) await reader.next(5_000);
          return reader;
        },
      },
    };
    expect(await audit(forgetful, {}, { deadline: soon() })).toMatchObject({
      exact: true,
      messages: 200,
      rows: 200,
    });
    await subject.lose('id IN (3, 133)');
    const report = await audit(forgetful, {}, { deadline: soon() });
    expect(report).toMatchObject({ exact: false, missing: 2, doubled: 0, foreign: 0 });
    expect(report.partitions[0]).toMatchObject({ comparedByLedger: 70, findingCount: 2 });
    await subject.close();
  });

  test('a cursor that somebody else moved is told of, a subscription that is gone too, and none is made', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(4);
    await subject.consumeAll();
    await subject.cycle();
    expect(await subject.audit()).toMatchObject({ exact: true, problems: [] });
    await subject.publish(4);
    const topic = `persistent/${place.namespace}/events-partition-0`;
    await place.admin('POST', `${topic}/subscription/pulsehouse-events/skip_all`);
    expect((await subject.audit()).problems).toEqual([
      expect.stringMatching(/^partition 0: Pulsar has forgotten everything up to .* and was told so up to/),
    ]);
    await place.admin('DELETE', `${topic}/subscription/pulsehouse-events`);
    const report = await subject.audit();
    expect(report).toMatchObject({ exact: false, missing: 0 });
    expect(report.problems).toEqual([
      expect.stringContaining('Pulsar has no subscription "pulsehouse-events"'),
    ]);
    expect(await place.admin('GET', `${topic}/subscriptions`)).toBe('[]');
    await subject.close();
  });

  test('a snapshot that was altered breaks the chain and is named', async ({ place }) => {
    const subject = await openSubject(place);
    const { objects } = subject.dependencies;
    for (let turn = 0; turn < 3; turn += 1) {
      await subject.publish(2);
      await subject.consumeAll();
      await subject.cycle();
    }
    const { name } = subject.pipeline;
    const [first, second] = await Promise.all(
      [1, 2].map((number) => readSnapshot(objects, name, number, soon())),
    );
    if (!first || !second) throw new Error('there are three snapshots');
    await objects.delete(snapshotKey(name, 2), soon());
    const altered = { ...second.snapshot, takenAt: 0, previous: { number: 1, hash: first.hash } };
    await objects.create(snapshotKey(name, 2), encodeSnapshot(altered), soon());
    const report = await subject.audit();
    expect(report.exact).toBe(false);
    expect(report.problems.join()).toContain('snapshot 3 names another snapshot');
    await subject.close();
  });
});
