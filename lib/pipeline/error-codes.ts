import type { ErrorKind } from './errors.ts';

interface CodeEntry {
  readonly kind: ErrorKind;
  /** What to do about it, as one imperative sentence. */
  readonly nextStep: string;
  /** The partition stops itself until somebody resumes it: going on could lose or spoil data. Only terminal codes halt. */
  readonly halts?: true;
}

/**
 * Every error code there is. Codes are stable: a released one is never renamed or reused.
 * `retryable` is a whitelist: whatever is not surely without effect is terminal or in-doubt.
 */
export const ERROR_CODES = {
  PH_POSITION_INVALID: {
    kind: 'terminal',
    nextStep: 'Give the position as ledger:entry, for example 12:345.',
  },
  PH_CONFIG_INVALID: { kind: 'terminal', nextStep: 'Correct the named key in pipeline.yml.' },

  PH_STATE_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep:
      'Check that DynamoDB is reachable (AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, credentials); the next run goes on.',
  },
  PH_STATE_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`; if the state was lost, `pulsehouse restore`.',
  },
  PH_INVARIANT: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Keep the state as it is and run `pulsehouse audit`; this should never happen, so please report it.',
  },
  PH_STATE_CORRUPT: {
    kind: 'terminal',
    nextStep: 'Bring the item back from a backup, or rebuild the state with `pulsehouse restore`.',
  },
  PH_STATE_LAYOUT: {
    kind: 'terminal',
    nextStep: 'Run the version of Pulsehouse that wrote it, or the one that its changelog names for the upgrade.',
  },
  PH_STATE_TABLE_FOREIGN: {
    kind: 'terminal',
    nextStep: 'Name another table in PULSEHOUSE_STATE_TABLE; `pulsehouse init` creates it.',
  },
  PH_OBJECTS_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep: 'Check that S3 is reachable (AWS_ENDPOINT_URL_S3, AWS_REGION, credentials); the next run goes on.',
  },
  PH_BUCKET_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`, or name the right bucket in PULSEHOUSE_BUCKET.',
  },
  PH_FENCED: { kind: 'terminal', nextStep: 'Nothing: another invocation holds this partition now.' },
  PH_HALT_BAD_MESSAGE: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the producer or the mapping, or set deadLetters.enabled: true; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTER_RATIO: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Check the mapping against the data; if as many are right, raise deadLetters.maxRatio; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTERS_LOST: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Bring the object back (the bucket is versioned), then `pulsehouse resume`.',
  },
  PH_HALT_REREAD_DIFFERS: {
    kind: 'terminal',
    halts: true,
    nextStep: 'See whether the topic was truncated, compacted or recreated; `pulsehouse audit` shows what the table holds.',
  },
  PH_HALT_ROWS_DOUBLED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'See who else writes to the table; `pulsehouse replay --mode verify` names the rows.',
  },
  PH_HALT_ROWS_SWALLOWED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Look for rows deleted by a TTL, a mutation or a failing view of the table; then `pulsehouse resume`.',
  },
  PH_HALT_REFUSED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the table, the mapping or the rights as the server says; then `pulsehouse resume`.',
  },
  PH_HALT_TOPIC_REPLACED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Positions mean nothing on another topic: `pulsehouse offsets set` begins anew on this one.',
  },
  PH_HALT_MARK_DELETE_AHEAD: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Find who acknowledged or expired messages of this subscription (TTL, backlog quota, a reset); then `pulsehouse resume`.',
  },
  PH_INSERT_UNANSWERED: {
    kind: 'in-doubt',
    nextStep: 'Check that ClickHouse is reachable; the batch stays intended and the next invocation settles it.',
  },
  PH_OBJECT_CONFLICT: { kind: 'terminal', nextStep: 'Nobody else may write below this prefix of the bucket.' },
  PH_PULSAR_NO_ANSWER: { kind: 'retryable', nextStep: 'Check the broker; the next invocation goes on.' },
  PH_HALTED: {
    kind: 'terminal',
    nextStep: 'Read the halt reason with `pulsehouse status`, mend it, then `pulsehouse resume`.',
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
