import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Environment } from '../ports/environment.ts';
import { isDeadProcess } from './process-identity.ts';

/** The real clock, timers and chance. */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    // Any number of consumers wait on one signal; Node would take more than ten of them for a leak.
    if (signal) setMaxListeners(0, signal);
    try {
      await setTimeout(milliseconds, undefined, signal && { signal });
    } catch (error) {
      // The port ends a sleep early without an error; nothing else is thrown here.
      if (!signal?.aborted) throw error;
    }
  },
  turn: () => setImmediate(),
  random: () => Math.random(),
  uniqueId: () => randomUUID(),
  isDead: isDeadProcess,
};
