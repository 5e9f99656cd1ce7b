import { type ConsumeResult, consume } from '../consume/consume.ts';
import { formatPosition } from '../pipeline/position.ts';
import type { Sink } from '../ports/sink.ts';
import type { Session } from './session.ts';

export interface PartitionRun {
  readonly partition: number;
  readonly until: 'drained' | 'deadline';
  readonly stop: AbortSignal;
  /** Whether to wait while somebody else holds the partition. */
  readonly patient: boolean;
  /** Milliseconds after which it ends although there is more: the outcome is `deadline` then. Never, when left out. */
  readonly turn?: number;
}

export interface PartitionOutcome extends Omit<ConsumeResult, 'committed'> {
  readonly partition: number;
  readonly committed: string | undefined;
}

/** One lease's work at most; a process lives longer than an invocation and takes the lease again. */
const INVOCATION = 10 * 60_000;
const LOOK_AGAIN = 500;
/** Stopped before its turn to begin came. */
const NOTHING_DONE: ConsumeResult = {
  ...{ outcome: 'stopped', committed: undefined, batches: 0, messages: 0, rows: 0 },
  ...{ deadLetters: 0, filtered: 0, bytes: 0 },
};

/** Consumes one partition in this process, over a connection of its own to Pulsar, until it is drained or stopped. */
export function consumePartition(session: Session, run: PartitionRun): Promise<PartitionOutcome> {
  return session.sinks.use((sink) => consumeInto(session, sink, run));
}

async function consumeInto(session: Session, sink: Sink, run: PartitionRun): Promise<PartitionOutcome> {
  const { environment, log } = session;
  const transport = await session.newTransport();
  let sum: ConsumeResult | undefined;
  let told = false;
  try {
    for (;;) {
      const result = await session.starts.run(async (begun) => {
        if (run.stop.aborted) return NOTHING_DONE;
        return consume(
          { ...session, transport, sink },
          {
            partition: run.partition,
            owner: `${session.owner}/${environment.uniqueId()}`,
            deadline: environment.now() + (run.turn ?? INVOCATION),
            until: run.until,
            stop: run.stop,
            onReading: begun,
          },
        );
      });
      sum = add(sum, result);
      const again =
        (result.outcome === 'deadline' && run.turn === undefined) ||
        (result.outcome === 'busy' && run.patient);
      if (!again || run.stop.aborted) return { ...show(sum), partition: run.partition };
      if (result.outcome === 'busy') {
        if (!told) log.info(`Partition ${run.partition} is held by somebody else; waiting for the lease`);
        told = true;
        await environment.sleep(LOOK_AGAIN, run.stop);
        if (run.stop.aborted) return { ...show(sum), partition: run.partition };
      }
    }
  } finally {
    await transport.close();
  }
}

function add(sum: ConsumeResult | undefined, next: ConsumeResult): ConsumeResult {
  if (!sum) return next;
  return {
    ...next,
    batches: sum.batches + next.batches,
    messages: sum.messages + next.messages,
    rows: sum.rows + next.rows,
    deadLetters: sum.deadLetters + next.deadLetters,
    filtered: sum.filtered + next.filtered,
    bytes: sum.bytes + next.bytes,
  };
}

function show(result: ConsumeResult): Omit<PartitionOutcome, 'partition'> {
  return { ...result, committed: result.committed && formatPosition(result.committed) };
}
