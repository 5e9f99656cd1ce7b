import { positionOf } from '../../pipeline/error-position.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter, laterOf, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Entry, EntryReader, Transport } from '../../ports/transport.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { isExhausted } from './exhausted.ts';
import type { ReadBatch } from './ledger.ts';

const BUFFERED_BYTES = 16 * 1024 * 1024;
/** So long without an entry, it is asked whether there are any left. */
const QUIET = 5_000;

export interface EntryRange {
  readonly topic: string;
  readonly after: Position;
  readonly to: Position;
  /** An entry that was read once: until it comes, or one above it, silence is no end. Nothing is known when left out. */
  readonly known?: Position | undefined;
}

/**
 * Every entry of `(after, to]` that Pulsar still has, in order. What it has forgotten is simply not there: compare with
 * the first position that comes. It forgets from the beginning only, and an entry above the range, or a last position
 * below it, is what says that nothing more is to come; silence never is, unless the topic has always ended in entries
 * that no reader is shown.
 * @throws PulsehouseError PH_PULSAR_NO_ANSWER when entries that the broker says it has do not come before `deadline`.
 */
export async function* readRange(
  transport: Transport,
  environment: Environment,
  range: EntryRange,
  deadline: number,
): AsyncGenerator<Entry, void, void> {
  const { topic, to } = range;
  const last = await transport.lastPosition(topic, deadline);
  const end = isAfter(to, last) ? last : to;
  let reached = range.after;
  if (!isAfter(end, reached)) return;
  const open = (): Promise<EntryReader> =>
    transport.openReader(topic, { after: reached, maxBufferedBytes: BUFFERED_BYTES }, deadline);
  let reader = await open();
  try {
    for (;;) {
      const wait = Math.min(QUIET, deadline - environment.now());
      if (wait <= 0) throw noAnswer(topic, reached);
      const entry = await nextOf(reader, wait, to);
      if (entry === 'over') return;
      if (entry) {
        reached = entry.position;
        yield entry;
        if (!isAfter(end, reached)) return;
      } else if (reader.waitsFor === undefined) {
        if (await endsAt(transport, environment, { ...range, after: reached }, deadline)) return;
        await reader.close();
        reader = await open();
      }
    }
  } finally {
    await reader.close();
  }
}

/** Over: what comes lies above the range, whether it can be read or not. */
async function nextOf(reader: EntryReader, wait: number, to: Position): Promise<Entry | 'over' | undefined> {
  try {
    const entry = reader.poll() ?? (await reader.next(wait));
    return entry && isAfter(entry.position, to) ? 'over' : entry;
  } catch (error) {
    const position = positionOf(error);
    if (position && isAfter(position, to)) return 'over';
    throw error;
  }
}

/** Just below the first entry of the range that Pulsar still has; the range's end when it has none. */
export async function readableFrom(
  { transport, environment }: Pick<ReplayDependencies, 'transport' | 'environment'>,
  range: EntryRange,
  deadline: number,
): Promise<Position> {
  for await (const entry of readRange(transport, environment, range, deadline)) {
    return justBelow(entry, range.after);
  }
  return range.to;
}

/** What lies between `after` and the entry, which is the first that came, Pulsar has forgotten. */
export function justBelow({ firstPosition }: Entry, after: Position): Position {
  return laterOf(after, { ...firstPosition, entry: firstPosition.entry - 1 });
}

async function endsAt(
  transport: Transport,
  environment: Environment,
  { topic, after, known }: EntryRange,
  deadline: number,
): Promise<boolean> {
  if (!(await isExhausted(transport, environment, { topic, after }, deadline))) return false;
  if (known === undefined || !isAfter(known, after)) return true;
  if (!isAfter(await transport.lastPosition(topic, deadline), after)) return true;
  throw noAnswer(topic, after);
}

/** The newest entry that the ledger says was read. What it only has the sum of may end anywhere. */
export function knownEntry(batches: readonly ReadBatch[]): Position | undefined {
  return batches.findLast(({ publishedUpTo }) => publishedUpTo > 0)?.to;
}

function noAnswer(topic: string, reached: Position): PulsehouseError {
  const message = `Pulsar has entries above ${formatPosition(reached)} and did not give them in time`;
  return new PulsehouseError('PH_PULSAR_NO_ANSWER', message, {
    where: { topic, position: formatPosition(reached) },
  });
}
