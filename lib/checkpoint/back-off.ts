import type { PartitionState } from '../pipeline/partition-state.ts';
import { isAfter } from '../pipeline/position.ts';
import { failsRepeatedly, nextTryOf } from '../pipeline/progress.ts';
import { readEachState } from './await-flush.ts';
import type { CycleContext } from './context.ts';
import { invokeConsumers, type Work, wantsConsumer } from './fan-out.ts';

/** Part of the cycle's time in which one that is tried may show that the others need not wait. */
const TRYING_SHARE = 0.25;
const LONGEST_LOOK = 15_000;
const LOOK_EVERY = 500;

/** Partitions for which a consumer was started, and those that wait because their tries fail. */
export interface Started {
  readonly invoked: readonly number[];
  readonly waiting: readonly number[];
}

/**
 * Starts a consumer for each partition that wants one. Those whose tries fail one after the other wait, longer each time,
 * but for one of them in every cycle: a server that is down costs one consumer a cycle and not one a partition, and as soon as
 * one of those that are tried stores something again, or ends well, all are started.
 */
export async function startConsumers(context: CycleContext, work: readonly Work[]): Promise<Started> {
  const { environment, log } = context;
  const wanted = work.filter((one) => wantsConsumer(context, one));
  const failing = wanted.filter(({ state, held }) => !held && failsRepeatedly(state));
  const tried = triedOf(context, failing);
  const waiting = failing.filter((one) => !tried.includes(one));
  const others = wanted.filter((one) => !failing.includes(one));
  const invoked = await invokeConsumers(context, [...others, ...tried]);
  if (waiting.length === 0) return { invoked, waiting: [] };
  const share = (context.deadline - environment.now()) * TRYING_SHARE;
  const until = environment.now() + Math.min(LONGEST_LOOK, share);
  const started = tried.map(({ state }) => state).filter(({ partition }) => invoked.includes(partition));
  if (await oneSucceeds(context, started, until))
    return { invoked: [...invoked, ...(await invokeConsumers(context, waiting))], waiting: [] };
  const [{ state } = {}] = waiting;
  const message = `${waiting.length} partitions whose tries fail wait, at most until one of ${started.length} that are tried succeeds`;
  log.warn(message, { tried: started.length, waiting: waiting.length, code: state?.failedTries?.code });
  return { invoked, waiting: waiting.map(({ state: { partition } }) => partition) };
}

/**
 * Those that have waited long enough, and any one of the others, at best with something to store: always the same might be
 * one that cannot succeed.
 */
function triedOf({ environment, pipeline }: CycleContext, failing: readonly Work[]): readonly Work[] {
  if (failing.length === 0) return [];
  const { interval } = pipeline.checkpoint;
  const isDue = ({ state }: Work) => (nextTryOf(state, interval) ?? 0) <= environment.now();
  const others = failing.filter((one) => !isDue(one));
  const pending = others.filter((one) => one.pending);
  const candidates = pending.length > 0 ? pending : others;
  const one = candidates[Math.floor(environment.random() * candidates.length)];
  return failing.filter((other) => isDue(other) || other === one);
}

async function oneSucceeds(
  context: CycleContext,
  started: readonly PartitionState[],
  until: number,
): Promise<boolean> {
  const { environment } = context;
  const before = new Map(started.map((state) => [state.partition, state]));
  while (before.size > 0) {
    const { states } = await readEachState(context, [...before.keys()]);
    for (const state of states) {
      const then = before.get(state.partition);
      if (!then || state.halted) before.delete(state.partition);
      else if (!state.failedTries || isAfter(state.committed, then.committed)) return true;
      else if (state.owner === undefined && state.epoch > then.epoch) before.delete(state.partition);
    }
    if (environment.now() + LOOK_EVERY >= until) return false;
    await environment.sleep(LOOK_EVERY);
  }
  return false;
}
