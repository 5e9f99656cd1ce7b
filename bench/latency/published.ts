/** One entry that the broker has stored. */
export interface PublishedEntry {
  readonly ledger: number;
  readonly entry: number;
  /** Just before it was sent, milliseconds since the epoch. */
  readonly at: number;
  readonly messages: number;
}

/** One name for an entry. */
export function keyOf({ ledger, entry }: Pick<PublishedEntry, 'ledger' | 'entry'>): string {
  return `${ledger}:${entry}`;
}
