import { describe, expect } from 'vitest';
import type { AuditPolicy, Exclusion, Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { type Position, parsePosition } from '../../../lib/pipeline/position.ts';
import { audit } from '../../../lib/replay/audit.ts';
import { pause } from '../../../lib/replay/pause.ts';
import { type PlanDependencies, planReplay, type ReplayRequest } from '../../../lib/replay/plan.ts';
import { startReplay } from '../../../lib/replay/replay.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, openSubject, requestOf, type Subject, soon, untilDone } from './subject.ts';

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
    const exclusion = await entriesOf(place, subject, 30, 39);
    await subject.lose('id IN (31, 32)');
    await subject.double('id = 33');
    await place.query(
      `INSERT INTO ${subject.table} (id, _partition, _ledger, _entry, _index) SELECT 1000, _partition, _ledger, _entry, 77 FROM ${subject.table} WHERE id = 34`,
    );
    const report = await auditWith(recorded(subject, { exclusions: [exclusion] }));
    expect(report).toMatchObject({ exact: false, missing: 0, doubled: 1, rows: 100 });
    expect(report.foreign + report.excluded).toBeGreaterThan(0);
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
});
