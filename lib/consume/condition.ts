import type { BatchCondition, Intent } from '../pipeline/intent.ts';
import type { BatchBody } from '../ports/sink.ts';
import { withoutUnmet } from './bad-rows/selected-rows.ts';
import { ask, batchError, type ConsumeContext, standingIntent } from './context.ts';
import { recordBadMessages } from './failed-sends.ts';

/*
 * How many messages of a batch meet the pipeline's `where` only ClickHouse knows. Until its rows are counted a batch's `rows`
 * are the most that there can be. They are counted by the answer to a first send; else by the same condition, evaluated over
 * messages that have no row. A row that stands in the table is never filtered: it met the condition it was stored by.
 */

/** Of a batch some of whose rows may have been stored by one condition and others by another. */
const MIXED = 'mixed';

/** Of a batch about to be intended. */
export function newCondition({ sink }: ConsumeContext): BatchCondition | undefined {
  return sink.condition === undefined ? undefined : { hash: sink.condition, counted: false };
}

/** What a batch says once its messages without a row were judged by the pipeline's condition of now. */
export function judgedBy(
  { sink }: ConsumeContext,
  { condition }: Intent,
  counted: boolean,
): BatchCondition | undefined {
  if (condition === undefined && sink.condition === undefined) return undefined;
  const hash = condition?.hash;
  return { hash: hash !== undefined && hash === sink.condition ? hash : MIXED, counted };
}

/** Whether the rows of the batch are still to be counted, or were counted by another mapping than the one of the next send. */
export function isToBeCounted({ sink }: ConsumeContext, { condition, mapping }: Intent): boolean {
  if (mapping === sink.mapping) return condition?.counted === false;
  return condition !== undefined || sink.condition !== undefined;
}

/** After a first send that was answered with success. @param met how many rows of it met the condition, where its answer told */
export async function countStored(
  context: ConsumeContext,
  seq: number,
  body: BatchBody,
  met: number | undefined,
): Promise<void> {
  if (!isToBeCounted(context, standingIntent(context, seq))) return;
  const rows = met ?? (await meeting(context, body))?.rows;
  if (rows === undefined) refuseUncounted(context, seq);
  await noteUnmet(context, seq, body.rows - rows);
}

async function noteUnmet(context: ConsumeContext, seq: number, unmet: number): Promise<void> {
  const { filtered, condition } = standingIntent(context, seq);
  await recordBadMessages(context, seq, [], {
    filtered: filtered + unmet,
    condition: condition && { ...condition, counted: true },
  });
}

/** All its rows stand in the table: then each of them met the condition. */
export async function noteWhole(context: ConsumeContext, seq: number): Promise<void> {
  if (standingIntent(context, seq).condition?.counted !== false) return;
  await noteUnmet(context, seq, 0);
}

/** The rows that meet the condition; undefined where the server refuses a row of the body. */
export async function meeting(context: ConsumeContext, body: BatchBody): Promise<BatchBody | undefined> {
  if (context.sink.condition === undefined || body.rows === 0) return body;
  const unmet = await ask(context, (deadline) => context.sink.unmet(body, deadline));
  return unmet && withoutUnmet(body, unmet);
}

/**
 * Every row passed the statement that has the condition in it, and the condition alone is refused.
 * @throws PulsehouseError PH_HALT_REFUSED
 */
export function refuseUncounted(context: ConsumeContext, seq: number): never {
  const message = 'the insert was answered with success, and its condition cannot be evaluated by itself';
  throw batchError(context, 'PH_HALT_REFUSED', message, standingIntent(context, seq));
}
