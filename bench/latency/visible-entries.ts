import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { ask } from '../pipeline/ask-clickhouse.ts';
import { keyOf } from './published.ts';

/** Milliseconds between an answer and the next question. */
const PAUSE = 15;
/** Entries that may become visible before earlier ones: inserts run side by side. */
const LOOK_BACK = 5_000;

export interface Visible {
  /** When a query first answered an entry, milliseconds since the epoch, by `keyOf`: no earlier than it became visible. */
  readonly at: ReadonlyMap<string, number>;
  /** Milliseconds from one answer to the next: what `at` may be late by. */
  readonly gaps: readonly number[];
}

/** Asks again and again which entries of a table can be seen, until stopped. The table's projection answers it. */
export async function watchEntries(
  environment: StackEnvironment,
  table: string,
  stop: AbortSignal,
): Promise<Visible> {
  const at = new Map<string, number>();
  const gaps: number[] = [];
  let newest = { ledger: -1, entry: -1 };
  let answeredAt = Date.now();
  while (!stop.aborted) {
    const { ledger, entry } = newest;
    const text = await ask(
      environment,
      `SELECT DISTINCT _ledger, _entry FROM ${table} WHERE _partition = 0 AND _ledger >= ${ledger} AND (_ledger > ${ledger} OR _entry > ${entry - LOOK_BACK}) ORDER BY _ledger, _entry FORMAT TSV`,
    );
    const now = Date.now();
    gaps.push(now - answeredAt);
    answeredAt = now;
    for (const line of text === '' ? [] : text.split('\n')) {
      const [ledgerText, entryText] = line.split('\t');
      newest = { ledger: Number(ledgerText), entry: Number(entryText) };
      const key = keyOf(newest);
      if (!at.has(key)) at.set(key, now);
    }
    await systemEnvironment.sleep(PAUSE, stop);
  }
  return { at, gaps };
}
