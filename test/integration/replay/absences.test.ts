import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import type { AuditPolicy, Exclusion, Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { type Position, parsePosition } from '../../../lib/pipeline/position.ts';
import type { Transport } from '../../../lib/ports/transport.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { pause } from '../../../lib/replay/pause.ts';
import { cancelReplay } from '../../../lib/replay/replay/cancel.ts';
import { type PlanDependencies, planReplay, type ReplayRequest } from '../../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { advanceReplay, startReplay } from '../../../lib/replay/replay/replay.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import {
  byHand,
  connectAs,
  consumeWith,
  openSubject,
  requestOf,
  type Subject,
  soon,
  untilDone,
} from './subject.ts';

/** The same pipeline with its `audit` section changed, as an operator would change the file. */
function recorded(subject: Subject, policy: Partial<AuditPolicy>): PlanDependencies {
  const pipeline: Pipeline = { ...subject.pipeline, audit: { ...subject.pipeline.audit, ...policy } };
  return { ...subject.dependencies, pipeline };
}

const auditWith = (dependencies: PlanDependencies) => audit(dependencies, {}, { deadline: soon() });

async function replayWith(
  dependencies: PlanDependencies,
  request: Partial<ReplayRequest>,
  target: Pick<PlanDependencies, 'sink' | 'table'> = dependencies,
) {
  const asked = requestOf(dependencies.pipeline, request);
  const plan = await planReplay(dependencies, asked, target, { deadline: soon() });
  const record = await startReplay(dependencies, plan, 'a test', soon());
  return untilDone(dependencies, record, target);
}

/** Where an event stands. */
async function positionOf(place: Place, subject: Subject, id: number): Promise<Position> {
  const text = await place.query(
    `SELECT concat(toString(_ledger), ':', toString(_entry)) FROM ${subject.table} WHERE id = ${id} FORMAT TSV`,
  );
  return parsePosition(text.trim());
}

/** Entries have ten events each: those from `from` to `to`, both included. */
async function entriesOf(place: Place, subject: Subject, from: number, to: number): Promise<Exclusion> {
  const [first, last] = await Promise.all([positionOf(place, subject, from), positionOf(place, subject, to)]);
  const after = { ...first, entry: first.entry - 1 };
  return { reason: 'erasure request 4711', partition: 0, positions: { after, to: last } };
}

describe('recorded deletions', () => {
  test('are told apart from what is missing, and a repair brings back only the latter', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(20);
    await subject.consumeAll();
    const exclusion = await entriesOf(place, subject, 50, 79);
    await subject.lose('id BETWEEN 50 AND 74 OR id IN (20, 120)');
    expect(await subject.audit()).toMatchObject({ exact: false, missing: 27, excluded: 0 });
    const dependencies = recorded(subject, { exclusions: [exclusion] });
    expect(await auditWith(dependencies)).toMatchObject({
      ...{ exact: false, missing: 2, excluded: 25, expired: 0, rows: 173, messages: 200 },
    });
    const progress = await replayWith(dependencies, { mode: 'repair' });
    expect(progress).toMatchObject({ done: true, record: { status: 'complete' } });
    expect(await subject.count('id BETWEEN 50 AND 79')).toBe(5);
    expect(await auditWith(dependencies)).toMatchObject({ exact: true, missing: 0, excluded: 25, rows: 175 });
    await subject.close();
  });

  test('doubled and foreign rows among them are faults all the same', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    const exclusion = await entriesOf(place, subject, 30, 49);
    await subject.lose('id IN (31, 32)');
    await subject.double('id = 33');
    await place.query(
      `INSERT INTO ${subject.table} (id, _partition, _ledger, _entry, _index) SELECT 1000, _partition, _ledger, _entry, 77 FROM ${subject.table} WHERE id = 44`,
    );
    const report = await auditWith(recorded(subject, { exclusions: [exclusion] }));
    expect(report).toMatchObject({
      exact: false,
      missing: 0,
      excluded: 2,
      doubled: 1,
      foreign: 1,
      rows: 100,
    });
    const [range] = (await subject.plan({ mode: 'repair' }, recorded(subject, { exclusions: [exclusion] })))
      .ranges;
    expect(range?.leftOut).toContain('2 rows too many');
    await subject.close();
  });

  test('are spared by replace: what stands there stays, what is gone stays gone', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    await subject.cycle();
    const exclusion = await entriesOf(place, subject, 30, 49);
    await subject.lose('id BETWEEN 30 AND 44');
    await place.query(`ALTER TABLE ${subject.table} UPDATE _row = 7 WHERE 1 SETTINGS mutations_sync = 2`);
    const dependencies = recorded(subject, { exclusions: [exclusion] });
    await pause(subject.dependencies, byHand());
    expect(await replayWith(dependencies, { mode: 'replace' })).toMatchObject({ done: true });
    expect(await subject.count('_row = 7')).toBe(5);
    expect(await subject.count('1')).toBe(85);
    expect(await auditWith(dependencies)).toMatchObject({ exact: true, excluded: 15, missing: 0 });
    await subject.close();
  });

  test('hold for another table too, and by publish time', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(5);
    const { from, to } = await momentBetween();
    await subject.publish(5);
    await subject.consumeAll();
    await place.query(`CREATE TABLE ${place.database}.copy AS ${subject.table}`);
    const target = { database: place.database, table: 'copy' };
    const copy = await connectAs(place, { ...subject.pipeline, target });
    const exclusions = [{ reason: 'a trial', published: { from: 0, to: from } }];
    const dependencies = recorded(subject, { exclusions });
    expect(to).toBeGreaterThan(from);
    expect(await replayWith(dependencies, { mode: 'into', target }, copy)).toMatchObject({ done: true });
    expect(await place.query(`SELECT count(), min(id) FROM ${place.database}.copy FORMAT TSV`)).toBe(
      '50\t50\n',
    );
    await copy.close();
    await subject.close();
  });

  test('recorded while a replay is under way stop it, until it is cancelled', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    await subject.consumeAll();
    await subject.lose('id IN (3, 43)');
    const plan = await subject.plan({ mode: 'repair' });
    const record = await startReplay(subject.dependencies, plan, 'a test', soon());
    const dependencies = recorded(subject, { exclusions: [await entriesOf(place, subject, 40, 49)] });
    await expect(advanceReplay(dependencies, record, dependencies, byHand())).rejects.toMatchObject({
      code: 'PH_REPLAY_OUTDATED',
    });
    expect(await cancelReplay(dependencies, record, dependencies, byHand())).toMatchObject({
      status: 'cancelled',
    });
    expect(await replayWith(dependencies, { mode: 'repair' })).toMatchObject({ done: true });
    expect(await subject.count('id IN (3, 43)')).toBe(1);
    expect(await auditWith(dependencies)).toMatchObject({ exact: true, excluded: 1 });
    await subject.close();
  });

  test('hold for dead letters that are put through again', async ({ place }) => {
    const subject = await openSubject(place);
    const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
    const producer = await openProducer(wire, `${subject.pipeline.topic}-partition-0`);
    const payload = (id: unknown) => ({ payload: Buffer.from(JSON.stringify({ id })) });
    await producer.sendBatch([payload(1), payload('two')]);
    const { from } = await momentBetween();
    await producer.sendBatch([payload('three'), payload(4)]);
    await producer.close();
    const strict = { ...subject.pipeline, deadLetters: { enabled: true, maxRatio: 1, minimum: 10 } };
    const before = await connectAs(place, strict);
    expect(await consumeWith(before)).toMatchObject({ rows: 2, deadLetters: 2 });
    const mended = await connectAs(place, {
      ...strict,
      audit: { interval: 0, exclusions: [{ reason: 'a trial', published: { from: 0, to: from } }] },
      source: { format: 'json', fields: { id: 'String' } },
      columns: { id: 'toUInt64OrDefault(id, toUInt64(length(id)))' },
    });
    const plan = await planRedrive(mended, requestOf(mended.pipeline, { mode: 'redrive' }), soon());
    expect(plan.ranges).toMatchObject([{ deadLetters: 1, spared: 1 }]);
    const record = await startReplay(mended, plan, 'a test', soon());
    expect(await untilDone(mended, record, mended)).toMatchObject({ done: true });
    expect(await place.query(`SELECT id FROM ${subject.table} ORDER BY _entry, _index FORMAT TSV`)).toBe(
      '1\n5\n4\n',
    );
    await before.close();
    await mended.close();
    await subject.close();
  });
});

describe('the horizon', () => {
  test('rows older than it are expired: counted apart, spared by a repair, written into another table', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    const { from } = await momentBetween();
    await subject.publish(10);
    await subject.consumeAll();
    await subject.lose('id IN (5, 6, 150)');
    const aged = agedBy(recorded(subject, { horizon: HOUR }), from + HOUR);
    expect(await audit(aged, {}, { deadline: from + HOUR + 90_000 })).toMatchObject({
      ...{ exact: false, missing: 1, expired: 2, excluded: 0, rows: 197 },
    });
    const request = requestOf(aged.pipeline, { mode: 'repair' });
    const plan = await planReplay(aged, request, aged, { deadline: from + HOUR + 90_000 });
    expect(plan).toMatchObject({ missing: 1, expired: 2 });
    // The instant was fixed by the plan: that the replay is carried out at another time changes nothing.
    const record = await startReplay(subject.dependencies, plan, 'a test', soon());
    expect(await untilDone(subject.dependencies, record)).toMatchObject({ done: true });
    expect(await subject.count('id IN (5, 6, 150)')).toBe(1);
    await place.query(`CREATE TABLE ${place.database}.copy AS ${subject.table}`);
    const target = { database: place.database, table: 'copy' };
    const copy = await connectAs(place, { ...subject.pipeline, target });
    const into = requestOf(aged.pipeline, { mode: 'into', target });
    const intoPlan = await planReplay(aged, into, copy, { deadline: from + HOUR + 90_000 });
    expect(intoPlan).toMatchObject({ missing: 200, expired: 0 });
    await copy.close();
    await subject.close();
  });

  test('is what a TTL of ClickHouse itself took away', async ({ place }) => {
    const subject = await openSubject(place);
    await place.query(`ALTER TABLE ${subject.table} ADD COLUMN published DateTime64(3)`);
    const columns = {
      ...subject.pipeline.columns,
      published: 'fromUnixTimestamp64Milli(toInt64(_publish_time))',
    };
    const pipeline = { ...subject.pipeline, columns, audit: { interval: 0, exclusions: [], horizon: HOUR } };
    const dependencies = await connectAs(place, pipeline);
    await subject.publish(6);
    const { from } = await momentBetween();
    await subject.publish(4);
    expect(await consumeWith(dependencies)).toMatchObject({ rows: 100 });
    await place.query(
      `ALTER TABLE ${subject.table} MODIFY TTL if(published < fromUnixTimestamp64Milli(${from}), toDateTime(1), toDateTime(4000000000)) SETTINGS mutations_sync = 2`,
    );
    await place.query(`OPTIMIZE TABLE ${subject.table} FINAL`);
    expect(await subject.count('1')).toBe(40);
    await subject.lose('id = 77');
    const aged = agedBy(dependencies, from + HOUR);
    const deadline = from + HOUR + 90_000;
    expect(await audit(aged, {}, { deadline })).toMatchObject({ missing: 1, expired: 60, rows: 39 });
    const plan = await planReplay(aged, requestOf(pipeline, { mode: 'repair' }), aged, { deadline });
    const record = await startReplay(dependencies, plan, 'a test', soon());
    expect(await untilDone(dependencies, record)).toMatchObject({ done: true });
    expect(await audit(aged, {}, { deadline })).toMatchObject({ exact: true, expired: 60, rows: 40 });
    await subject.close();
    await dependencies.close();
  });

  test('holds for batches that Pulsar has forgotten, by the ledger; across it nobody can tell', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(10);
    const { from } = await momentBetween();
    await subject.publish(20);
    await subject.consumeAll();
    // Batches are of fifty: two before the moment, of which one begins the younger ones, and those behind it.
    await subject.lose('id < 20 OR id IN (30, 130, 170)');
    const aged = agedBy(recorded(subject, { horizon: HOUR }), from + HOUR);
    const forgetful = { ...aged, transport: withoutFirst(aged.transport, 22) };
    const report = await audit(forgetful, {}, { deadline: from + HOUR + 90_000 });
    expect(report).toMatchObject({ exact: false, missing: 1, expired: 22, rows: 277 });
    expect(report.partitions[0]).toMatchObject({ comparedByLedger: 220, findingCount: 1 });
    expect(report.remarks).toContainEqual(
      expect.stringContaining('1 rows counted as expired or excluded lie'),
    );
    await subject.close();
  });
});

const HOUR = 3_600_000;

/** A moment after everything published before and before everything published after, a little apart from both. */
async function momentBetween() {
  await environment.sleep(30);
  const from = environment.now();
  await environment.sleep(30);
  return { from, to: environment.now() };
}

/** As it will be at another time, for what only looks. */
function agedBy(dependencies: PlanDependencies, now: number): PlanDependencies {
  return { ...dependencies, environment: { ...environment, now: () => now } };
}

/** A broker whose retention has taken the first entries of the topic. */
function withoutFirst(transport: Transport, entries: number): Transport {
  return {
    ...transport,
    openReader: async (topic, options, deadline) => {
      const reader = await transport.openReader(topic, options, deadline);
      for (let entry = 0; entry < entries; entry += 1) await reader.next(5_000);
      return reader;
    },
  };
}
