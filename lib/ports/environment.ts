/**
 * Time, waiting and chance. Nothing below `functions/` and `cli/` touches the real ones, so that the simulation
 * runs the real protocol on a virtual clock.
 */
export interface Environment {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when `signal` is aborted. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when whatever waits for this thread has had its turn once: sockets with data or with room, timers that are due. */
  turn(): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
  /** Unique for ever: names owners, sends and generations. Safe in URLs and object keys. */
  uniqueId(): string;
  /**
   * Whether the owner of a lease is known to have died. False wherever that cannot be known; where it is left out,
   * nothing is known of anybody.
   */
  isDead?(owner: string): boolean;
}
