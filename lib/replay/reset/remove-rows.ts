import type { Lease } from '../../leases/lease.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import type { Fenced } from '../../pipeline/partition-state.ts';
import { formatPosition } from '../../pipeline/position.ts';
import type { RowRange } from '../../ports/sink.ts';
import type { ReplayDependencies } from '../dependencies.ts';

/** A removal that the server has not taken in by then removes nothing. */
const VALID_FOR = 10_000;
/** The server compares whole seconds. */
const CLOCK_MARGIN = 1_000;
const LOOK_AGAIN = 1_000;
const MOST_TRIES = 3;
/** Each removal rewrites the same parts, and its statement may have 256 KB. */
const RANGES_AT_ONCE = 200;

export interface Removal {
  readonly ranges: readonly RowRange[];
  /** Whether somebody may have begun the same removal before: what of it is still on its way is waited for. */
  readonly begunBefore: boolean;
}

/**
 * Removes rows that nobody may write meanwhile, so that no copy of the request can remove anything later, when the rows
 * stand there again: each is valid for a short time only, its validity is read before the lease is confirmed, and whoever
 * takes the removal over waits until the validity of everything its predecessor sent has run out.
 * @throws PulsehouseError PH_FENCED; PH_ROWS_NOT_REMOVED when a request came too late or somebody writes there.
 */
export async function removeRows<State extends Fenced>(
  { table, sink, environment }: Pick<ReplayDependencies, 'table' | 'sink' | 'environment'>,
  lease: Lease<State>,
  { ranges, begunBefore }: Removal,
  deadline: number,
): Promise<void> {
  const begunAt = await sink.serverNow(deadline);
  for (let from = 0; from < ranges.length; from += RANGES_AT_ONCE) {
    let left = ranges.slice(from, from + RANGES_AT_ONCE);
    // One that the server took in too late has removed nothing, and nothing says so: rows that still stand are removed again.
    for (let tries = 1; tries <= MOST_TRIES && left.length > 0; tries++) {
      const notAfter = (await sink.serverNow(deadline)) + VALID_FOR;
      await lease.update((state) => state);
      await table.deleteRows(left, notAfter, deadline);
      const standing = [];
      for (const range of left) if ((await sink.countRows(range, deadline)).rows > 0) standing.push(range);
      left = standing;
    }
  }
  while (begunBefore && (await sink.serverNow(deadline)) < begunAt + VALID_FOR + CLOCK_MARGIN) {
    await lease.renewIfDue();
    await environment.sleep(LOOK_AGAIN);
  }
  for (const range of ranges) {
    const { rows } = await sink.countRows(range, deadline);
    if (rows === 0) continue;
    throw new PulsehouseError('PH_ROWS_NOT_REMOVED', `${rows} rows still stand there`, {
      where: { table: sink.table, partition: range.partition, position: formatPosition(range.after) },
    });
  }
}
