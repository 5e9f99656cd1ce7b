import * as z from 'zod';
import { messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import { type Position, parsePosition } from '../../pipeline/position.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { operationId } from '../journal.ts';
import type { AuditReport } from './audit-report.ts';

/** How far one partition is known to be exact. */
export interface AuditedPartition {
  readonly partition: number;
  /** Another generation may have been read again: then nothing of this counts. */
  readonly generation: string;
  readonly upTo: Position;
}

/** The reports of scheduled audits, as immutable objects. The newest exact one is always among those that are kept. */
const REPORTS_KEPT = 60;
const EXACT = '.exact.json';
const SHOWN_A_PARTITION = 20;

const stored = z.object({
  partitions: z.array(
    z.object({
      partition: z.int(),
      generation: z.string(),
      auditedUpTo: z.string().transform(parsePosition),
    }),
  ),
});

function prefix(pipeline: string): string {
  return `${pipeline}/audits/`;
}

/** Keeps a report and prunes old ones; answers its key. */
export async function keepReport(
  objects: ObjectStore,
  report: AuditReport,
  at: { readonly now: number; readonly uniqueId: string },
  deadline: number,
): Promise<string> {
  const { pipeline } = report;
  const key = `${prefix(pipeline)}${operationId(at.now, at.uniqueId)}${report.exact ? EXACT : '.inexact.json'}`;
  await objects.create(key, Buffer.from(`${JSON.stringify(shortened(report), undefined, 2)}\n`), deadline);
  const keys = await objects.list(prefix(pipeline), deadline);
  const newestExact = keys.findLast((found) => found.endsWith(EXACT));
  for (const old of keys.slice(0, -REPORTS_KEPT)) {
    if (old !== newestExact) await objects.delete(old, deadline);
  }
  return key;
}

/** Few findings of each partition: a table that was emptied must not become an object of its size. */
export function shortened(report: AuditReport): AuditReport {
  const partitions = report.partitions.map((partition) => ({
    ...partition,
    findings: partition.findings.slice(0, SHOWN_A_PARTITION),
  }));
  return { ...report, partitions };
}

export interface KeptReport {
  readonly key: string;
  readonly partitions: readonly AuditedPartition[];
}

/** The newest report that found nothing wrong; undefined when there is none. */
export async function lastExactReport(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<KeptReport | undefined> {
  const keys = await objects.list(prefix(pipeline), deadline);
  const key = keys.findLast((found) => found.endsWith(EXACT));
  const body = key === undefined ? undefined : await objects.read(key, deadline);
  if (key === undefined || !body) return undefined;
  try {
    const { partitions } = stored.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    return {
      key,
      partitions: partitions.map(({ auditedUpTo, ...rest }) => ({ ...rest, upTo: auditedUpTo })),
    };
  } catch (cause) {
    const message = `${key} is not the report of an audit: ${messageOf(cause)}`;
    throw new PulsehouseError('PH_OBJECT_CONFLICT', message, { cause });
  }
}

/** When the newest report was made, ms since the epoch; undefined when there is none. */
export async function lastReportAt(
  objects: ObjectStore,
  pipeline: string,
  deadline: number,
): Promise<number | undefined> {
  const newest = (await objects.list(prefix(pipeline), deadline)).at(-1);
  const time = /\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})-[^/]*$/.exec(newest ?? '');
  if (!time) return undefined;
  const [, year, month, day, hour, minute, second, millisecond] = time.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, millisecond);
}
