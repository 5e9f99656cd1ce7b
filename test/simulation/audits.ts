import { audit } from '../../lib/replay/audit/audit.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import { type ScheduledAudit, scheduledAudit } from '../../lib/replay/audit/scheduled-audit.ts';
import type { StoredRow } from './fakes/clickhouse.ts';
import { dependencies } from './operations.ts';
import { type Attempt, Operator } from './operator.ts';
import type { World } from './world.ts';

/** Kept of an attempt for ending in order, milliseconds. */
const CLOSING = 10_000;
/** Longer than an audit lasts when nothing fails. */
const AUDIT_LASTS = 60_000;

/** Beside living writers, as the schedule does it: whatever fails on the way, nothing is told that is not so. */
export function auditBeside(world: World): void {
  const since: ScheduledAudit['since'] = world.random.pick(['last', undefined]);
  begin(world, async (attempt) => {
    const terms = { since, deadline: attempt.deadline, closing: CLOSING };
    const report = await scheduledAudit(dependencies(world, attempt), terms);
    // A partition may rightly be stuck for a while; whether it stays so is judged at rest.
    if (sumOf(report) + report.problems.length > 0) falseAlarm(world, report);
  });
}

/**
 * With the state the batches were lost, and with them which messages are dead letters: an audit takes them for missing rows,
 * and rows that Pulsar has forgotten for foreign ones.
 */
function lettersAreUnknown({ stateWasLost, scenario }: World): boolean {
  return stateWasLost && scenario.messages.bad > 0;
}

/** What befell such a world an audit tells for ever, though everything is in its place. */
function mayBeInexact(world: World, { problems }: AuditReport): boolean {
  const { stateWasLost, snapshotsDamaged, topicIsReplaced, expected } = world;
  if (stateWasLost || snapshotsDamaged || topicIsReplaced) return true;
  if (expected.has('PH_HALT_MARK_DELETE_AHEAD')) return true;
  // The record of an attempt that was given up may arrive when another has done the same long since.
  return (
    problems.length > 0 &&
    problems.every((problem) => problem.startsWith('reset ') && problem.endsWith('begun and not ended'))
  );
}

/**
 * At rest, where every message is known to be once what it ought to be, an audit must find nothing; and when one row more
 * or less stands there, it must find just that.
 */
export async function auditAtRest(world: World): Promise<void> {
  if (lettersAreUnknown(world)) return;
  const report = await audited(world);
  if (report === undefined || world.violation !== undefined) return;
  if (sumOf(report) > 0 || (!report.exact && !mayBeInexact(world, report))) falseAlarm(world, report);
  // Of batches that were given up with their topic nobody says what should stand.
  if (world.topicIsReplaced) return;
  const { clickhouse, random } = world;
  const row = clickhouse.rows[random.between(0, clickhouse.rows.length - 1)];
  if (row === undefined) return;
  // Of what Pulsar has forgotten only the number of rows is known: there a row of another message is not told apart.
  const kinds = report.partitions.some(({ comparedByLedger }) => comparedByLedger > 0)
    ? (['missing', 'doubled', 'foreign'] as const)
    : (['missing', 'doubled', 'foreign', 'of another message'] as const);
  const what = random.pick(kinds);
  clickhouse.rows = spoilt(clickhouse.rows, row, what);
  const again = await audited(world);
  if (again === undefined || world.violation !== undefined) return;
  if (!again.exact && (!report.exact || isToldAs(again, what))) return;
  const message = `a row is ${what}, and an audit says ${sums(again)}`;
  world.fail({ invariant: 'a comparison tells the truth', message });
}

type Spoilt = 'missing' | 'doubled' | 'foreign' | 'of another message';

function spoilt(rows: readonly StoredRow[], row: StoredRow, how: Spoilt): StoredRow[] {
  const others = rows.filter((found) => found !== row);
  // No entry has so many messages.
  const elsewhere = { ...row, index: 99 };
  switch (how) {
    case 'missing':
      return others;
    case 'doubled':
      return [...rows, row];
    case 'foreign':
      return [...rows, elsewhere];
    case 'of another message':
      return [...others, elsewhere];
  }
}

function isToldAs(report: AuditReport, how: Spoilt): boolean {
  if (how !== 'of another message') return report[how] === 1 && sumOf(report) === 1;
  return report.missing === 1 && report.foreign === 1 && sumOf(report) === 2;
}

async function audited(world: World): Promise<AuditReport | undefined> {
  const { scheduler } = world;
  let report: AuditReport | undefined;
  begin(world, async (attempt) => {
    report = await audit(dependencies(world, attempt), {}, attempt);
  });
  await scheduler.run(
    scheduler.now + AUDIT_LASTS,
    () => report !== undefined || world.violation !== undefined,
  );
  if (report === undefined) world.fail({ invariant: 'at rest', message: 'an audit does not end' });
  return report;
}

function begin(world: World, act: (attempt: Attempt) => Promise<void>): void {
  new Operator(world, [{ name: 'audit', act }]);
}

function falseAlarm(world: World, report: AuditReport): void {
  const message = `an audit says ${sums(report)}; ${report.problems.join('; ')}`;
  world.fail({ invariant: 'a comparison tells the truth', message });
}

function sumOf({ missing, doubled, foreign }: AuditReport): number {
  return missing + doubled + foreign;
}

function sums({ missing, doubled, foreign }: AuditReport): string {
  return `${missing} missing, ${doubled} doubled, ${foreign} foreign`;
}
