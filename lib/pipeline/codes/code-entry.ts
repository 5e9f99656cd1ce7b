/**
 * What may follow an error.
 * - terminal: the same call will fail again; somebody must change something.
 * - retryable: nothing happened; the same call may succeed later.
 * - in-doubt: it may have happened; it has to be settled by asking before anything else is done.
 */
export type ErrorKind = 'terminal' | 'retryable' | 'in-doubt';

export interface CodeEntry {
  readonly kind: ErrorKind;
  /** What to do about it, as one imperative sentence. */
  readonly nextStep: string;
  /**
   * The partition stops itself until somebody resumes it: going on could lose or spoil data. Only terminal codes halt.
   * `at-position`: only where the error names an entry, which a reader met; elsewhere such a code says nothing of a partition.
   */
  readonly halts?: true | 'at-position';
}
