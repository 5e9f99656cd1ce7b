import { isPulsehouseError } from '../pipeline/errors.ts';

/** What the process says when it ends. Stable: scripts depend on them. `pulsehouse --help` and docs/operations.md list them. */
export const EXIT = {
  /** Done; where something was compared: exact. */
  ok: 0,
  /** It failed; the error says why and what to do. */
  failed: 1,
  /** A wrong option, or a pipeline.yml that cannot be accepted. */
  usage: 2,
  /** The comparison was made and something is missing, doubled or unexplained. */
  notExact: 3,
  /** A partition, of the pipeline or of a replay, is halted: it waits for a person. */
  halted: 4,
  /** A partition makes no progress: try after try of it fails, and there is something to store. */
  stuck: 5,
  /** Stopped by SIGINT or SIGTERM before the work was done. Nothing is lost; the next run goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const USAGE_ERRORS: ReadonlySet<string> = new Set([
  'PH_CONFIG_INVALID',
  'PH_CONFIG_NOT_FOUND',
  'PH_SETTINGS_INVALID',
  'PH_POSITION_INVALID',
  'PH_RANGE_INVALID',
]);

export function exitCodeOf(error: unknown): ExitCode {
  if (!isPulsehouseError(error)) return EXIT.failed;
  if (error.code === 'PH_HALTED') return EXIT.halted;
  return USAGE_ERRORS.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** The most serious of several results: a failure outweighs a halt, a halt a stuck partition, and that an inexact table. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  const order: readonly ExitCode[] = [
    EXIT.interrupted,
    EXIT.usage,
    EXIT.failed,
    EXIT.halted,
    EXIT.stuck,
    EXIT.notExact,
  ];
  return order.find((code) => codes.includes(code)) ?? EXIT.ok;
}
