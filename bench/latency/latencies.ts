import { keyOf, type PublishedEntry } from './published.ts';

export interface Latencies {
  readonly messages: number;
  /** Never seen in the table. */
  readonly missing: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** By messages, not by entries. @param visibleAt milliseconds since the epoch, by `keyOf`. */
export function latenciesOf(
  published: readonly PublishedEntry[],
  visibleAt: ReadonlyMap<string, number>,
): Latencies {
  const seen: { readonly late: number; readonly messages: number }[] = [];
  let missing = 0;
  for (const entry of published) {
    const visible = visibleAt.get(keyOf(entry));
    if (visible === undefined) missing += entry.messages;
    else seen.push({ late: visible - entry.at, messages: entry.messages });
  }
  seen.sort((a, b) => a.late - b.late);
  const total = seen.reduce((sum, { messages }) => sum + messages, 0);
  const quantile = (share: number): number => {
    let passed = 0;
    for (const { late, messages } of seen) {
      passed += messages;
      if (passed >= share * total) return late;
    }
    return Number.NaN;
  };
  return {
    messages: total + missing,
    missing,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  };
}
