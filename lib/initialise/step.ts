/**
 * - found: it was there and is as it should be.
 * - created: it was missing.
 * - warning: it works, and somebody should know.
 * - note: good to know.
 */
export type Outcome = 'found' | 'created' | 'warning' | 'note';

/** One thing `init` looked at. */
export interface InitStep {
  readonly outcome: Outcome;
  readonly message: string;
  /** What somebody could do about it: SQL, a command or a sentence. */
  readonly remedy?: string | undefined;
}

export type Tell = (step: InitStep) => void;
