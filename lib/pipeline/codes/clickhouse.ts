import type { CodeEntry } from './code-entry.ts';

/** Codes about ClickHouse, its tables and inserts. */
export const CLICKHOUSE_CODES = {
  PH_DDL_REFUSED: {
    kind: 'terminal',
    nextStep:
      'Correct the DDL as the server says; then run it again. What its earlier statements made is there.',
  },
  PH_TABLE_MISSING: { kind: 'terminal', nextStep: 'Create the table, or give its DDL; then run it again.' },
  PH_ROWS_HIDDEN: {
    kind: 'terminal',
    nextStep:
      'Let the user see every row of the table (a row policy hides some); `pulsehouse doctor` says which filter it is.',
  },
  PH_INSERT_UNANSWERED: {
    kind: 'in-doubt',
    nextStep:
      'Check that ClickHouse is reachable; the batch stays intended and the next invocation settles it.',
  },
  PH_INSERT_LATE: {
    kind: 'in-doubt',
    nextStep:
      'Raise batch.insertTimeout if it happens often; nothing was stored by this send, the batch is settled.',
  },
  PH_INSERT_FAILED: {
    kind: 'in-doubt',
    nextStep: "Read the server's message; the batch is settled by asking the table for its rows.",
  },
  PH_INSERT_MISCOUNTED: {
    kind: 'in-doubt',
    nextStep:
      'Nothing: the batch is settled by counting its rows. Often: look for a payload made to mislead.',
  },
  PH_SEARCH_UNFINISHED: {
    kind: 'retryable',
    nextStep: 'Nothing: what was found is kept, and the next invocation goes on.',
  },
  PH_VALUE_REFUSED: {
    kind: 'terminal',
    nextStep: 'Mend the producer, or widen the source field or the column expression in pipeline.yml.',
  },
  PH_TABLE_MISMATCH: {
    kind: 'terminal',
    nextStep:
      'Bring pipeline.yml and the table together; `pulsehouse init` names what differs, `pulsehouse explain` the SQL.',
  },
  PH_TABLE_UNFIT: {
    kind: 'terminal',
    nextStep: 'Correct the mapping, run the SQL that stands with a finding, or name another table.',
  },
  PH_CLICKHOUSE_ACCESS: {
    kind: 'terminal',
    nextStep: 'Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD and grant the user what the server names.',
  },
  PH_CLICKHOUSE_BUSY: {
    kind: 'retryable',
    nextStep: 'Wait for the limit that the server names to pass; the next invocation goes on.',
  },
  PH_CLICKHOUSE_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check CLICKHOUSE_URL and that the server is up; the next invocation goes on.',
  },
  PH_CLICKHOUSE_TOO_OLD: {
    kind: 'terminal',
    nextStep: 'Upgrade ClickHouse, or name a newer one in CLICKHOUSE_URL; nothing was sent to it.',
  },
  PH_CLICKHOUSE_FAILED: {
    kind: 'terminal',
    nextStep: "Read the server's message; `pulsehouse explain` shows the SQL.",
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
