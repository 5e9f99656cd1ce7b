import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter, type Position } from '../../pipeline/position.ts';
import type { ReplayRange } from '../../pipeline/replay.ts';
import type { PartitionLedger } from '../comparison/ledger.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import { namedSnapshot } from '../named-snapshot.ts';
import { type Bound, formatBound } from './bound.ts';

export interface AskedRange {
  readonly from: Bound;
  readonly to: Bound;
}

/**
 * Turns a range as a person gives it into `(after, to]` of each partition, within what was read and committed. Times are
 * rounded outwards to whole batches, since messages of one batch were published at different times.
 * @throws PulsehouseError PH_RANGE_INVALID, PH_SNAPSHOT_MISSING.
 */
export async function resolveRange(
  dependencies: Pick<ReplayDependencies, 'pipeline' | 'objects'>,
  asked: AskedRange,
  ledgers: readonly PartitionLedger[],
  deadline: number,
): Promise<readonly ReplayRange[]> {
  if (ledgers.length > 1 && (asked.from.kind === 'position' || asked.to.kind === 'position')) {
    throw new PulsehouseError(
      'PH_RANGE_INVALID',
      'a position belongs to one partition, and the range is for several',
      { nextStep: 'Name the partition with --partition.' },
    );
  }
  const from = await resolver(dependencies, asked.from, deadline);
  const to = await resolver(dependencies, asked.to, deadline);
  return ledgers.flatMap((ledger) => {
    const { partition, committed } = ledger.state;
    const after = within(ledger, from(ledger, 'from'));
    const upTo = within(ledger, to(ledger, 'to'));
    if (isAfter(after, upTo)) {
      const message = `from ${formatBound(asked.from)} (${formatPosition(after)}) lies above to ${formatBound(asked.to)} (${formatPosition(upTo)})`;
      throw new PulsehouseError('PH_RANGE_INVALID', message, {
        where: { partition, position: formatPosition(committed) },
      });
    }
    return isAfter(upTo, after) ? [{ partition, after, to: upTo }] : [];
  });
}

type Resolve = (ledger: PartitionLedger, end: 'from' | 'to') => Position;

async function resolver(
  { objects, pipeline }: Pick<ReplayDependencies, 'pipeline' | 'objects'>,
  bound: Bound,
  deadline: number,
): Promise<Resolve> {
  switch (bound.kind) {
    case 'origin':
      return ({ origin }) => origin;
    case 'committed':
      return ({ state }) => state.committed;
    case 'position':
      // A person means the entry named to be in the range, at either end; ours exclude the lower one.
      return (_, end) =>
        end === 'to' ? bound.position : { ...bound.position, entry: bound.position.entry - 1 };
    case 'time':
      return (ledger, end) => atTime(ledger, bound.publishTime, end);
    case 'checkpoint': {
      if (bound.number === 0) return ({ origin }) => origin;
      const { snapshot } = await namedSnapshot(objects, pipeline.name, bound.number, deadline);
      // A partition added later had read nothing by then.
      return ({ state, origin }) =>
        snapshot.partitions.find(({ partition }) => partition === state.partition)?.committed ?? origin;
    }
  }
}

/** Only batches that surely lie outside the times are left out. */
function atTime({ batches, origin, state }: PartitionLedger, time: number, end: 'from' | 'to'): Position {
  if (end === 'to') {
    const beyond = batches.findIndex((batch) => batch.publishedUpTo > time);
    return beyond === -1 ? state.committed : (batches[beyond]?.to ?? state.committed);
  }
  const first = batches.find((batch) => batch.publishedUpTo >= time);
  return first ? first.after : batches.length === 0 ? origin : state.committed;
}

function within({ origin, state }: PartitionLedger, position: Position): Position {
  if (isAfter(origin, position)) return origin;
  return isAfter(position, state.committed) ? state.committed : position;
}
