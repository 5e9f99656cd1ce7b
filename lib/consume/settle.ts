import {
  CLOCK_MARGIN,
  type Intent,
  insertToken,
  queryIdPrefix,
  type TokenWindow,
  tokensAreTrusted,
} from '../pipeline/intent.ts';
import { amendIntent } from '../pipeline/partition-transitions.ts';
import type { BadMessage, BatchBody, InsertOutcome, RowRange } from '../ports/sink.ts';
import { countStored, isToBeCounted, judgedBy, meeting, noteWhole, refuseUncounted } from './condition.ts';
import { ask, batchError, type ConsumeContext, standingIntent } from './context.ts';
import { readDeadLetters } from './dead-letters.ts';
import { FailedSends, recordBadMessages } from './failed-sends.ts';
import { refuseHiddenRows } from './hidden-rows.ts';
import { namedByMessage } from './message-of-row.ts';
import { findPresentRows } from './present-rows.ts';
import { reread } from './reread.ts';
import { noteViewGap } from './view-gaps.ts';

const PAUSE_WHILE_WAITING = 1_000;
const MOST_ATTEMPTS = 3;

const UNCOUNTED =
  'ClickHouse answers without X-ClickHouse-Summary, as something in between takes it out: every batch is counted by a question of its own. `pulsehouse doctor` says more';

/**
 * Stores a batch just intended, by this invocation and for the first time. A 200 to the only send is all it takes, unless
 * `isLookedAt` or the answer does not say how many rows it is for; whatever else comes back is settled.
 */
export async function storeFirst(
  context: ConsumeContext,
  seq: number,
  { body, isLookedAt }: { readonly body: BatchBody; readonly isLookedAt: boolean },
): Promise<void> {
  const intent = standingIntent(context, seq);
  if (intent.rows === 0) return noteWhole(context, seq);
  const outcome = await send(context, intent, body);
  if (outcome.kind === 'stored') {
    if (outcome.isUncounted && isLookedAt) context.log.warn(UNCOUNTED);
    await countStored(context, seq, body, outcome.met);
    const isAsked = isLookedAt || outcome.isUncounted;
    if (!(isAsked && (await isSwallowed(context, seq)))) return;
  }
  await settle(context, seq, { body, outcome, isWhole: true });
}

/** Rows that are older than the table keeps any may be gone by the time they are asked for. */
async function isSwallowed(context: ConsumeContext, seq: number): Promise<boolean> {
  if (!(await missingRows(context, seq))) return false;
  return !(await hasTtl(context));
}

function hasTtl(context: ConsumeContext): Promise<boolean> {
  return ask(context, (deadline) => context.sink.hasTtl(deadline));
}

interface Sent {
  readonly body: BatchBody;
  readonly outcome: InsertOutcome;
  /** No row of the batch stood there before. */
  readonly isWhole: boolean;
  /** Nothing else was ever sent under its attempt. */
  readonly isOnly?: boolean;
}

/**
 * Brings the rows of an intended batch into the table exactly once, whatever earlier sends of it, ours or a dead
 * predecessor's, did or may still do. The order of the steps is the protocol (docs/architecture.md, "Settling").
 * @throws PulsehouseError PH_INSERT_UNANSWERED and other retryable ones (the intent stays, the next invocation settles
 * it), PH_CLICKHOUSE_ACCESS, PH_HALT_*.
 */
export async function settle(context: ConsumeContext, seq: number, first?: Sent): Promise<void> {
  const last = await bringIn(context, seq, first);
  await noteWhole(context, seq);
  const { rows, ...intent } = standingIntent(context, seq);
  const isWhole = last?.outcome.kind !== 'stored' || last.isWhole;
  // Of several inserts that each brought a part, the earlier ones were not answered.
  if (rows > 0) await noteViewGap(context, { rows, ...intent }, isWhole ? last?.outcome : undefined);
}

/** Answers the last send, if there was one. */
async function bringIn(context: ConsumeContext, seq: number, first?: Sent): Promise<Sent | undefined> {
  const failures = new FailedSends(context, seq);
  let sent = first;
  let seen: TokenWindow | undefined;
  for (;;) {
    if (sent && sent.outcome.kind !== 'stored') await failures.note(sent.outcome);
    let missing = await missingRows(context, seq);
    if (!missing) return sent;
    let body = sent?.body;
    if (sent?.outcome.kind === 'answered') {
      body = await failures.search(await bodyOf(context, seq, missing, body), sent.outcome);
    }
    // Only after it is known what is missing: a table emptied in between shows by it.
    const now = await ask(context, (deadline) => context.sink.tokenWindow(deadline));
    const trusted = areTrusted(context, standingIntent(context, seq), seen, now);
    seen = now;
    if (!trusted) await outliveEarlierSends(context, seq);
    // Earlier sends may have ended meanwhile, and a batch that lost its bad rows may be whole.
    if (!trusted || body !== sent?.body) missing = await missingRows(context, seq);
    if (!missing) return sent;
    if (isToBeCounted(context, standingIntent(context, seq))) {
      if (!trusted) await refuseHiddenRows(context, standingIntent(context, seq));
      body = await bodyOf(context, seq, missing, body);
      missing = await missingRows(context, seq);
      if (!missing) return sent;
      const isCounted = !isToBeCounted(context, standingIntent(context, seq));
      if (!isCounted && sent?.outcome.kind === 'stored') refuseUncounted(context, seq);
    }
    if (!trusted) await refuseHiddenRows(context, standingIntent(context, seq));
    const isOnly = sent?.outcome.kind === 'stored';
    if (sent?.outcome.kind === 'stored') {
      // Rows that a TTL takes are missing however often they are sent. An only send that was answered has stored them.
      if (sent.isOnly && (await hasTtl(context))) return sent;
      await nextAttempt(context, seq);
    }
    body = await bodyOf(context, seq, missing, body);
    await failures.pause();
    await prepareToSend(context, seq);
    const outcome = await send(context, standingIntent(context, seq), body, failures.isUnexplained);
    sent = { body, outcome, isOnly, isWhole: missing.whole };
  }
}

/** What is known without looking closer: nothing is there, or a part is. */
interface MissingRows {
  readonly whole: boolean;
}

/** Undefined when every row of the batch is there exactly once. */
async function missingRows(context: ConsumeContext, seq: number): Promise<MissingRows | undefined> {
  const intent = standingIntent(context, seq);
  const found = await ask(context, (deadline) => context.sink.countRows(rangeOf(context, intent), deadline));
  if (found.rows > intent.rows || found.distinct < found.rows) {
    const message = `${found.rows} rows (${found.distinct} distinct) stand where ${intent.rows} belong`;
    throw batchError(context, 'PH_HALT_ROWS_DOUBLED', message, intent);
  }
  return found.rows === intent.rows ? undefined : { whole: found.rows === 0 };
}

/**
 * A table that was empty at the intent and truncated since looks no older than then: what was seen in between tells. A
 * token is logged for each table partition by itself, and another mapping may put the same rows into other ones.
 */
function areTrusted(
  context: ConsumeContext,
  intent: Intent,
  seen: TokenWindow | undefined,
  now: TokenWindow,
): boolean {
  if (intent.mapping !== context.sink.mapping) return false;
  return tokensAreTrusted(intent.tokens, now) && (seen === undefined || tokensAreTrusted(seen, now));
}

/**
 * Without trust in tokens an earlier send must be unable to store anything any more: past its notAfter the statement
 * refuses itself, and one that began before is killed. KILL alone cannot see a body still travelling.
 */
async function outliveEarlierSends(context: ConsumeContext, seq: number): Promise<void> {
  const intent = standingIntent(context, seq);
  const { sink, environment, deadline } = context;
  for (;;) {
    const serverNow = await ask(context, (tryUntil) => sink.serverNow(tryUntil));
    const left = intent.notAfter + CLOCK_MARGIN - serverNow;
    if (left <= 0) break;
    if (environment.now() + left >= deadline) {
      const message = `an earlier send may be carried out for another ${left} ms, longer than this invocation lasts`;
      throw batchError(context, 'PH_INSERT_UNANSWERED', message, intent);
    }
    await environment.sleep(Math.min(left, PAUSE_WHILE_WAITING));
  }
  const prefix = queryIdPrefix(context.pipeline.name, context.partition, intent);
  await ask(context, (tryUntil) => sink.kill(prefix, tryUntil));
}

/** Legal only after a send of the standing attempt was answered 200 and its rows are missing all the same. */
async function nextAttempt(context: ConsumeContext, seq: number): Promise<void> {
  const intent = standingIntent(context, seq);
  await refuseHiddenRows(context, intent);
  if (intent.attempt >= MOST_ATTEMPTS) {
    const message = `rows are missing after ${intent.attempt} inserts that the server answered with success`;
    throw batchError(context, 'PH_HALT_ROWS_SWALLOWED', message, intent);
  }
  await context.lease.update((state) => amendIntent(state, { ...intent, attempt: intent.attempt + 1 }));
}

/**
 * Written before the send it covers: a successor must know how long that one may still be carried out, and by which
 * mapping. Sends by an earlier mapping have been outlived by then.
 */
async function prepareToSend(context: ConsumeContext, seq: number): Promise<void> {
  const intent = standingIntent(context, seq);
  const notAfter = Math.max(intent.notAfter, sendNotAfter(context));
  const { mapping } = context.sink;
  await context.lease.update((state) => amendIntent(state, { ...intent, notAfter, mapping }));
}

/** By the server's clock (ms since the epoch). */
export function sendNotAfter(context: ConsumeContext): number {
  const { environment, pipeline, deadline, serverClockOffset } = context;
  return Math.min(environment.now() + pipeline.batch.insertTimeout, deadline) + serverClockOffset;
}

async function bodyOf(
  context: ConsumeContext,
  seq: number,
  missing: MissingRows,
  held: BatchBody | undefined,
): Promise<BatchBody> {
  const intent = standingIntent(context, seq);
  if (missing.whole && held?.rows === intent.rows) {
    return isToBeCounted(context, intent) ? countedBody(context, seq, held, []) : held;
  }
  const { has } = await readDeadLetters(context, intent.deadLetters);
  const present = missing.whole ? () => false : await findPresentRows(context, rangeOf(context, intent));
  const batch = await reread(
    context,
    intent,
    (position, index) => has(position, index) || present(position, index),
  );
  return countedBody(context, seq, batch.body, batch.body.bad);
}

/**
 * Another build or configuration may judge a message otherwise than the one that intended the batch. Of messages without a
 * row those that do not meet the condition are filtered. Sends by another mapping have been outlived by then.
 * @param bad those that the batch does not name yet
 */
async function countedBody(
  context: ConsumeContext,
  seq: number,
  body: BatchBody,
  bad: readonly BadMessage[],
): Promise<BatchBody> {
  const intent = standingIntent(context, seq);
  const met = await meeting(context, body);
  const { filtered } = met ?? body;
  const isCounted = !isToBeCounted(context, intent);
  if (bad.length > 0 || filtered !== intent.filtered || !isCounted) {
    const { condition: standing, mapping } = intent;
    const decided = isCounted
      ? { condition: standing, mapping }
      : { condition: judgedBy(context, intent, met !== undefined), mapping: context.sink.mapping };
    await recordBadMessages(context, seq, bad, { filtered, ...decided });
  }
  return met ?? body;
}

async function send(
  context: ConsumeContext,
  intent: Intent,
  body: BatchBody,
  asTried = false,
): Promise<InsertOutcome> {
  const { pipeline, partition, environment, deadline } = context;
  const outcome = await context.sink.insert({
    body,
    token: insertToken(pipeline.name, partition, intent),
    queryId: `${queryIdPrefix(pipeline.name, partition, intent)}${intent.attempt}.${environment.uniqueId()}`,
    notAfter: intent.notAfter,
    deadline: Math.min(environment.now() + pipeline.batch.insertTimeout, deadline),
    asTried,
  });
  return namedByMessage(outcome, body);
}

function rangeOf(context: ConsumeContext, intent: Intent): RowRange {
  return { partition: context.partition, after: intent.after, to: intent.to };
}
