import * as z from 'zod';
import { isPulsehouseError } from '../../pipeline/errors.ts';
import { BEFORE_ALL, laterOf, type Position, parsePosition } from '../../pipeline/position.ts';
import { type AdminAccess, askAdmin, askAdminHeaders, ofTopic } from './admin-api.ts';

/** What the broker keeps of a partition, from `internalStats`. */
export interface PartitionStats {
  /** Last entry; BEFORE_ALL while the partition is empty. */
  readonly last: Position;
  /** No position beyond it was ever given out. */
  readonly end: Position;
  readonly ledgers: readonly LedgerStats[];
  /** By subscription: everything up to it is forgotten. Entry -1 says that nothing of that ledger is. */
  readonly markDelete: ReadonlyMap<string, Position>;
}

export interface LedgerStats {
  readonly ledger: number;
  /** Undefined while the ledger is being written. */
  readonly entries: number | undefined;
}

/**
 * What stands at a position that a reader was not shown. `unreadable`: the broker does not answer for it, which is how
 * it says that it cannot read the entry either. `gone`: not kept any more, or lost.
 */
export type StoredEntry = 'marker' | 'aborted' | 'chunk' | 'message' | 'unreadable' | 'gone';

const ENTRY_TIME = 10_000;

const partitionsShape = z.object({ partitions: z.number() });
const position = z.string().transform(parsePosition);
const statsShape = z.object({
  lastConfirmedEntry: position,
  ledgers: z.array(z.object({ ledgerId: z.number(), entries: z.number() })),
  cursors: z.record(z.string(), z.object({ markDeletePosition: position })),
});

/**
 * The questions that only Pulsar's admin API answers. All of them read; nothing is created by asking. Every call ends
 * by `deadline` (ms since the epoch).
 * @throws PulsehouseError as `askAdmin`
 */
export class TopicAdmin {
  readonly #access: AdminAccess;

  constructor(access: AdminAccess) {
    this.#access = access;
  }

  /** 0 for a topic without partitions, and for one that does not exist. */
  async partitionCount(topic: string, deadline: number): Promise<number> {
    const read = (body: unknown) => partitionsShape.parse(body).partitions;
    return askAdmin(this.#access, ofTopic(topic, 'partitions'), read, deadline);
  }

  async stats(topic: string, deadline: number): Promise<PartitionStats> {
    const read = (body: unknown) => statsShape.parse(body);
    const stats = await askAdmin(this.#access, ofTopic(topic, 'internalStats'), read, deadline);
    const { lastConfirmedEntry: written, ledgers } = stats;
    const newest = ledgers.at(-1)?.ledgerId;
    const isKept = written.entry >= 0 && ledgers.some(({ ledgerId }) => ledgerId === written.ledger);
    return {
      last: isKept ? written : BEFORE_ALL,
      end: laterOf(written, { ledger: newest ?? -1, entry: -1 }),
      ledgers: ledgers.map(({ ledgerId, entries }) => ({
        ledger: ledgerId,
        entries: ledgerId === newest ? undefined : entries,
      })),
      markDelete: new Map(
        Object.entries(stats.cursors).map(([name, cursor]) => [name, cursor.markDeletePosition] as const),
      ),
    };
  }

  /** What stands at a position, from the headers that go with a message asked for by its id. */
  async entryAt(topic: string, { ledger, entry }: Position, deadline: number): Promise<StoredEntry> {
    const inTime = Math.min(deadline, this.#access.environment.now() + ENTRY_TIME);
    const question = ofTopic(topic, `ledger/${ledger}/entry/${entry}`);
    try {
      const headers = await askAdminHeaders(this.#access, question, inTime);
      if (headers['x-pulsar-marker-type'] !== undefined) return 'marker';
      if (headers['x-pulsar-txn-aborted'] === 'true') return 'aborted';
      return Number(headers['x-pulsar-num-chunks-from-msg']) > 1 ? 'chunk' : 'message';
    } catch (error) {
      const code = isPulsehouseError(error) ? error.code : undefined;
      if (code === 'PH_PULSAR_TIMEOUT') return 'unreadable';
      if (code === 'PH_PULSAR_TOPIC_NOT_FOUND') return 'gone';
      throw error;
    }
  }
}
