import pLimit from 'p-limit';
import type { Environment } from '../ports/environment.ts';

const AT_ONCE = 8;
/** Milliseconds that one which does not get on keeps others waiting; it goes on beside them. */
const LONGEST_TURN = 2_500;

/**
 * Consumers begin a few at a time: each asks a dozen questions before its first row, and of sixty-four that ask them side by
 * side the first one is done hardly sooner than the last.
 */
export class Starts {
  private readonly limit = pLimit(AT_ONCE);
  private readonly environment: Environment;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  /** Runs `work` when it is its turn, which lasts until it calls `begun` or ends. */
  run<T>(work: (begun: () => void) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      void this.limit(async () => {
        const over = new AbortController();
        work(() => over.abort())
          .then(resolve, reject)
          .finally(() => over.abort());
        await this.environment.sleep(LONGEST_TURN, over.signal);
      });
    });
  }
}
