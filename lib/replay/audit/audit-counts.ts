import type { RowBalance } from '../comparison/findings.ts';

/** What an audit counts, of one partition or of all. */
export interface AuditCounts extends RowBalance {
  readonly messages: number;
  readonly deadLetters: number;
}
