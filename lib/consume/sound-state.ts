import { PulsehouseError } from '../pipeline/errors.ts';
import type { TokenWindow } from '../pipeline/intent.ts';
import { endsBefore, formatPosition, LAST_OF_ALL, type Position } from '../pipeline/position.ts';
import { ask, type ConsumeContext, whereOf } from './context.ts';

/*
 * Topic, table and state are kept by three systems, and each can be lost, restored from a backup or replaced alone. Before
 * anything is written, what one says is held against the others; where they disagree the partition halts.
 */

/** What topic and table answered when they were held against the state. */
export interface Soundness {
  /** The partition's last position; not asked for by a replay. */
  readonly last: Position | undefined;
  readonly tokens: TokenWindow;
  /** When they were asked, milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Topic and table are asked side by side, so that a start waits for the slowest answer and not for the sum of them; all
 * have ended when it returns or throws.
 * @throws PulsehouseError PH_HALT_TOPIC_REPLACED, PH_HALT_TABLE_BEHIND, or what kept a question from its answer
 */
export async function assertSound(
  context: ConsumeContext,
  { rowsAbove }: { readonly rowsAbove: boolean },
): Promise<Soundness> {
  const at = context.environment.now();
  const [same, last, tokens] = await Promise.allSettled([
    assertSameTopic(context),
    rowsAbove ? undefined : assertTopicNotBehind(context),
    lookAtTable(context, context.lease.state.lastTokens),
  ]);
  if (same.status === 'rejected') throw same.reason;
  if (last.status === 'rejected') throw last.reason;
  if (tokens.status === 'rejected') throw tokens.reason;
  return { last: last.value, tokens: tokens.value, at };
}

/** Positions mean nothing on another topic of the same name. */
async function assertSameTopic(context: ConsumeContext): Promise<void> {
  const known = context.lease.state.cluster;
  if (known === undefined) return;
  const found = await ask(context, (deadline) =>
    context.transport.topicIdentity(context.lease.state.topic, deadline),
  );
  if (found === undefined || found === known) return;
  throw new PulsehouseError('PH_HALT_TOPIC_REPLACED', `the topic was ${known} and is ${found} now`, {
    where: { ...whereOf(context), position: formatPosition(context.lease.state.committed) },
  });
}

/**
 * Ledger ids only grow, within one cluster: a topic that ends in an older ledger than the one we read from is another
 * cluster's, whatever else of it looks the same. Were it taken for ours, nothing of it would ever be read.
 */
async function assertTopicNotBehind(context: ConsumeContext): Promise<Position> {
  const { committed, topic } = context.lease.state;
  const last = await ask(context, (deadline) => context.transport.lastPosition(topic, deadline));
  if (!endsBefore(last, committed)) return last;
  throw new PulsehouseError(
    'PH_HALT_TOPIC_REPLACED',
    `the topic ends at ${formatPosition(last)}, in an older ledger than was read`,
    {
      where: { ...whereOf(context), position: formatPosition(committed) },
      nextStep:
        'Its positions are lower than those of the rows: set the pipeline up anew for it, under another name and with an empty table.',
    },
  );
}

/**
 * The table's token window, held against an earlier look: a table that is another one, was emptied, or was restored from a
 * backup may lack rows below `committed`. No look hides what the one before would have told: whoever writes to an emptied
 * table makes it look newer than it was.
 * @throws PulsehouseError PH_HALT_TABLE_BEHIND
 */
export async function lookAtTable(
  context: ConsumeContext,
  then: TokenWindow | undefined,
): Promise<TokenWindow> {
  const now = await ask(context, (deadline) => context.sink.tokenWindow(deadline));
  const what = then && (otherTable(then, now) ?? (await rowsGone(context, then, now)));
  if (!what) return now;
  throw new PulsehouseError('PH_HALT_TABLE_BEHIND', `the table is not as this partition left it: ${what}`, {
    where: { ...whereOf(context), position: formatPosition(context.lease.state.committed) },
  });
}

function otherTable(then: TokenWindow, now: TokenWindow): string | undefined {
  return now.table === then.table ? undefined : `its id was ${then.table} and is ${now.table}`;
}

/** Parts are gone: all of those that stood there, or the newest of them. The server removes those it finds empty. */
function partsGone(then: TokenWindow, now: TokenWindow): boolean {
  return now.oldestBlock === -1 || now.oldestBlock > then.newestBlock || now.newestBlock < then.newestBlock;
}

/**
 * Parts may rightly go: by a replace, a reset of another partition, the TTL, or a recorded deletion. Then the rows themselves
 * say, as far as they have to be there.
 */
async function rowsGone(
  context: ConsumeContext,
  then: TokenWindow,
  now: TokenWindow,
): Promise<string | undefined> {
  const { origin, committed, totals, committedPublishTime, rowsReplaced } = context.lease.state;
  const { horizon, exclusions } = context.pipeline.audit;
  if (!partsGone(then, now) || totals.rows === 0) return undefined;
  if (rowsReplaced) return undefined;
  if (horizon !== undefined && committedPublishTime < context.environment.now() - horizon) return undefined;
  // Nobody has said how long it keeps rows, so that nothing follows from their absence.
  if (horizon === undefined && (await ask(context, (deadline) => context.sink.hasTtl(deadline))))
    return undefined;
  const range = { partition: context.partition, after: origin, to: committed };
  const { rows } = await ask(context, (deadline) => context.sink.countRows(range, deadline));
  const least = horizon === undefined && exclusions.length === 0 ? totals.rows : 1;
  return rows < least ? `it had ${totals.rows} rows of it and has ${rows}` : undefined;
}

/** With every intent settled, no row stands above `committed`, unless the state is an older one than its writer's last. */
export async function assertStateNotBehind(context: ConsumeContext): Promise<void> {
  const { committed } = context.lease.state;
  const range = { partition: context.partition, after: committed, to: LAST_OF_ALL };
  const { rows } = await ask(context, (deadline) => context.sink.countRows(range, deadline));
  if (rows === 0) return;
  throw new PulsehouseError('PH_HALT_STATE_BEHIND', `${rows} rows stand above the committed position`, {
    where: { ...whereOf(context), position: formatPosition(committed) },
  });
}
