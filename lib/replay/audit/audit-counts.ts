import type { RowBalance } from '../comparison/findings.ts';

/** What an audit counts, of one partition or of all. */
export interface AuditCounts extends RowBalance {
  readonly messages: number;
  readonly deadLetters: number;
  /** Messages without a value that were left out on purpose, of those that Pulsar still has. */
  readonly filtered: number;
}
