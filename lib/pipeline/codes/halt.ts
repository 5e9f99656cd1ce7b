import type { CodeEntry } from './code-entry.ts';

/** Codes by which a partition stops itself, beside those of entries that cannot be read. */
export const HALT_CODES = {
  PH_HALT_BAD_MESSAGE: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the producer or the mapping, or set deadLetters.enabled: true; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTER_RATIO: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Check the mapping against the data; if as many are right, raise deadLetters.maxRatio; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTERS_LOST: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Bring the object back (the bucket is versioned), then `pulsehouse resume`.',
  },
  PH_HALT_REREAD_DIFFERS: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'See whether the topic was truncated, compacted or recreated; `pulsehouse audit` shows what the table holds.',
  },
  PH_HALT_STATE_BEHIND: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'The state is older than the table: `pulsehouse restore` rebuilds it from the newest snapshot and the rows.',
  },
  PH_HALT_TABLE_BEHIND: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Rows may be gone: `pulsehouse replay --mode verify` shows which, `--mode repair` brings them back; then `pulsehouse resume`.',
  },
  PH_HALT_ROWS_DOUBLED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'See who else writes to the table; `pulsehouse replay --mode verify` names the rows.',
  },
  PH_HALT_ROWS_SWALLOWED: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Look for rows deleted by a TTL, a mutation or a failing view of the table; then `pulsehouse resume`.',
  },
  PH_HALT_ROWS_HIDDEN: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Let the user see every row of the table (a row policy hides some); `pulsehouse doctor` says which filter it is. Then `pulsehouse resume`.',
  },
  PH_HALT_REFUSED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the table, the mapping or the rights as the server says; then `pulsehouse resume`.',
  },
  PH_HALT_TOPIC_REPLACED: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Begin anew on this topic, whose messages are kept: `pulsehouse pause`, `pulsehouse offsets set --to earliest --yes`, `pulsehouse resume`.',
  },
  PH_HALT_MARK_DELETE_AHEAD: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Find who acknowledged or expired messages of this subscription (TTL, backlog quota, a reset); then `pulsehouse resume`.',
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
