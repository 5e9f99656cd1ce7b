import type { Position } from '../../pipeline/position.ts';
import type { PartitionStats, StoredEntry, TopicAdmin } from './topic-admin.ts';

/** An entry that should have been shown. `gone`: its ledger is listed, and what it held is lost. */
export interface LeftOut {
  readonly position: Position;
  readonly found: Extract<StoredEntry, 'chunk' | 'message' | 'unreadable' | 'gone'>;
}

/** Whether nothing can lie between the two, as their ids alone say. */
export function follows(seen: Position, next: Position): boolean {
  return seen.ledger === next.ledger && seen.entry + 1 === next.entry;
}

/**
 * Ids that skip prove nothing: markers and aborted transactions take ids and are shown to nobody, and ledgers are
 * trimmed. So the entries between the two are looked at, one question each, the first `most` of them.
 * @throws PulsehouseError as `askAdmin`
 */
export async function findLeftOut(
  admin: TopicAdmin,
  topic: string,
  [seen, next]: readonly [Position, Position],
  most: number,
  deadline: number,
): Promise<LeftOut | undefined> {
  const stats = await admin.stats(topic, deadline);
  let looked = 0;
  let trimmed: number | undefined;
  for (const position of between(stats, seen, next)) {
    if (position.ledger === trimmed) continue;
    if (++looked > most) return undefined;
    const found = await admin.entryAt(topic, position, deadline);
    if (found === 'marker' || found === 'aborted') continue;
    if (found !== 'gone') return { position, found };
    // Trimmed since the list was made, or lost by the bookies, which leaves it in the list.
    const { ledgers } = await admin.stats(topic, deadline);
    if (ledgers.some(({ ledger }) => ledger === position.ledger)) return { position, found };
    trimmed = position.ledger;
  }
  return undefined;
}

/**
 * Whether everything stored above `after` is a marker or of an aborted transaction, or nothing is.
 * @throws PulsehouseError as `askAdmin`
 */
export async function hasOnlyMarkers(
  admin: TopicAdmin,
  topic: string,
  after: Position,
  deadline: number,
): Promise<boolean> {
  const { end } = await admin.stats(topic, deadline);
  const beyond = { ledger: end.ledger, entry: end.entry + 1 };
  return (await findLeftOut(admin, topic, [after, beyond], Number.POSITIVE_INFINITY, deadline)) === undefined;
}

/** Every position that the ledgers still have between the two. */
export function* between({ ledgers }: PartitionStats, seen: Position, next: Position): Generator<Position> {
  for (const { ledger, entries } of ledgers) {
    if (ledger < seen.ledger || ledger > next.ledger) continue;
    const from = ledger === seen.ledger ? seen.entry + 1 : 0;
    const to = ledger === next.ledger ? next.entry : (entries ?? 0);
    for (let entry = from; entry < to; entry++) yield { ledger, entry };
  }
}
