import { PulsehouseError } from '../../pipeline/errors.ts';
import type { BatchBody } from '../../ports/sink.ts';
import type { Trial, TrialDepth } from '../../ports/trial.ts';
import { ask, type ConsumeContext, whereOf } from '../context.ts';
import { assertEmptyPasses } from './assert-empty-passes.ts';
import { FoundRows, type FoundRowsTerms } from './found-rows.ts';
import { type SearchedBody, searchWindow } from './search-window.ts';

/** Rows of one probe: large enough that the statement's own cost does not count, small enough to be halved quickly. */
const WINDOW = 2_048;
/** Windows under way at once. */
const AT_ONCE = 4;
/** Milliseconds before the invocation's end that are kept for writing down what was found. */
const CLOSING = 5_000;

/**
 * Finds the rows of a refused body that cannot be stored, by trying them: first what cannot be read, all at once; then
 * windows through what the table runs on its columns; and only if that finds none, through what writing a part runs.
 * Answers their row numbers, all of them made dead letters; none when the body passes.
 * @throws PulsehouseError PH_HALT_REFUSED when not even an empty body passes, PH_HALT_DEAD_LETTER_RATIO,
 * PH_HALT_BAD_MESSAGE, PH_SEARCH_UNFINISHED and other retryable ones: then what was found is kept.
 */
export async function findBadRows(
  context: ConsumeContext,
  body: BatchBody,
  terms: FoundRowsTerms,
): Promise<ReadonlySet<number>> {
  const found = new FoundRows(context, body, terms);
  const trial = context.sink.openTrial();
  try {
    await search(context, body, trial, found);
  } catch (error) {
    // The search's own failure is what is reported.
    await found.keep().catch((cause: unknown) => context.log.debug('bad rows were not kept', { cause }));
    throw error;
  } finally {
    await trial.close();
  }
  await found.keep();
  return found.rows;
}

/**
 * A body without rows must pass.
 * @throws PulsehouseError PH_HALT_REFUSED in the server's words, PH_CLICKHOUSE_ACCESS, or a retryable one
 */
export async function assertTakesRows(context: ConsumeContext): Promise<void> {
  const trial = context.sink.openTrial();
  try {
    const body = context.sink.newBody(context.partition);
    await assertEmptyPasses({ context, trial, body, depth: 'columns' });
  } finally {
    await trial.close();
  }
}

async function search(
  context: ConsumeContext,
  body: BatchBody,
  trial: Trial,
  found: FoundRows,
): Promise<void> {
  const unreadable = await ask(context, (deadline) => trial.sift(body, deadline));
  if (unreadable.length === body.rows) await assertEmptyPasses({ context, trial, body, depth: 'columns' });
  for (const { row, reason } of unreadable) found.add(row, reason);
  for (const depth of ['columns', 'table'] as const satisfies readonly TrialDepth[]) {
    if (found.rows.size > 0) return;
    const searched = { context, trial, body, depth };
    await assertEmptyPasses(searched);
    await searchWindows(searched, found);
  }
}

async function searchWindows(searched: SearchedBody, found: FoundRows): Promise<void> {
  const { context, body } = searched;
  let next = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const from = next;
      if (from >= body.rows) return;
      next += WINDOW;
      assertTimeLeft(context);
      await searchWindow({ ...searched, found }, from, Math.min(from + WINDOW, body.rows));
      await found.keepIfDue();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

function assertTimeLeft(context: ConsumeContext): void {
  if (context.environment.now() < context.deadline - CLOSING) return;
  throw new PulsehouseError(
    'PH_SEARCH_UNFINISHED',
    'the invocation ends before every row of a refused batch was tried',
    { where: whereOf(context) },
  );
}
