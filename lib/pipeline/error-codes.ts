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
  PH_FENCED: { kind: 'terminal', nextStep: 'Nothing: another invocation holds this partition now.' },
  PH_HALTED: {
    kind: 'terminal',
    nextStep: 'Read the halt reason with `pulsehouse status`, mend it, then `pulsehouse resume`.',
  },
} as const satisfies Record<`PH_${string}`, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
