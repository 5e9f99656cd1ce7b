/** What an audit counts, of one partition or of all. */
export interface AuditCounts {
  readonly messages: number;
  readonly expected: number;
  /** Rows that stand there. */
  readonly rows: number;
  readonly missing: number;
  /** Rows that are gone rightly: by the table's TTL (`audit.horizon`), by recorded deletions (`audit.exclusions`). */
  readonly expired: number;
  readonly excluded: number;
  readonly doubled: number;
  readonly foreign: number;
  readonly deadLetters: number;
}
