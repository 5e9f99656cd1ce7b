import type { CodeEntry } from './code-entry.ts';

/** Codes about what is done by hand: replays, resets, and the topic of a pipeline. */
export const OPERATION_CODES = {
  PH_TOPIC_FORGETS: {
    kind: 'terminal',
    nextStep: 'Change the named policies, for the topic or its namespace; then run it again.',
  },
  PH_TOPIC_CHANGED: {
    kind: 'terminal',
    nextStep:
      'Give a pipeline on another topic another name, or put the topic back. Nothing was read under the new one.',
  },
  PH_TOPIC_SHRUNK: {
    kind: 'terminal',
    nextStep:
      "Check the topic's name and the cluster first. If the topic was made anew, give it as many partitions as before; then `pulsehouse pause`, `pulsehouse offsets set --to earliest --yes`, `pulsehouse resume`.",
  },
  PH_RANGE_INVALID: {
    kind: 'terminal',
    nextStep:
      'Give each end as a checkpoint number, ledger:entry, an ISO date or time, `origin` or `committed`, the lower one first.',
  },
  PH_NOT_PAUSED: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse pause` first, and `pulsehouse resume` afterwards.',
  },
  PH_REPLAY_BUSY: {
    kind: 'terminal',
    nextStep: 'Let the other replay end, or give it up with `pulsehouse replay --cancel <id>`.',
  },
  PH_REPLAY_RANGES_LOST: {
    kind: 'terminal',
    nextStep: 'Bring the object back from its earlier version in the bucket, or from a backup.',
  },
  PH_REPLAY_NOT_FOUND: { kind: 'terminal', nextStep: '`pulsehouse status` lists the replays there are.' },
  PH_DEAD_LETTER_NOT_FOUND: {
    kind: 'terminal',
    nextStep: '`pulsehouse dead-letters list` shows those there are; a redrive may have made a row of it.',
  },
  PH_REPLAY_OUTDATED: {
    kind: 'terminal',
    nextStep:
      'Give it up with `pulsehouse replay --cancel <id>`, delete once more what it may have brought back, and begin anew.',
  },
  PH_RESET_REFUSED: {
    kind: 'terminal',
    nextStep: 'Choose a later position: what Pulsar has forgotten, or was told to, cannot be read again.',
  },
  PH_ROWS_NOT_REMOVED: {
    kind: 'terminal',
    nextStep: 'Give the same command once more; if it happens again, see who else writes to the table.',
  },
  PH_RESET_UNFINISHED: {
    kind: 'terminal',
    nextStep:
      'Give the same command once more: it goes on where it was cut off. Only then `pulsehouse resume`.',
  },
  PH_HALTED: {
    kind: 'terminal',
    nextStep: 'Read the halt reason with `pulsehouse status`, mend it, then `pulsehouse resume`.',
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
