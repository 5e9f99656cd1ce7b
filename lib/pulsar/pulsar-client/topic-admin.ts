import type { ErrorCode } from '../../pipeline/error-codes.ts';
import { messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import { BEFORE_ALL, laterOf, type Position, parsePosition } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';

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
 * it says that it cannot read the entry either. `gone`: not kept any more.
 */
export type StoredEntry = 'marker' | 'aborted' | 'chunk' | 'message' | 'unreadable' | 'gone';

const ENTRY_TIME = 10_000;

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'PH_PULSAR_AUTHENTICATION',
  403: 'PH_PULSAR_AUTHORIZATION',
  404: 'PH_PULSAR_TOPIC_NOT_FOUND',
  429: 'PH_PULSAR_THROTTLED',
};

interface InternalStats {
  readonly lastConfirmedEntry: string;
  readonly ledgers: readonly { readonly ledgerId: number; readonly entries: number }[];
  readonly cursors: Readonly<Record<string, { readonly markDeletePosition: string }>>;
}

export interface TopicAdminOptions {
  readonly url: string;
  readonly token: (() => Promise<string>) | undefined;
  readonly environment: Environment;
}

/**
 * The questions that only Pulsar's admin API answers. All of them read; nothing is created by asking. Every call ends
 * by `deadline` (ms since the epoch).
 * @throws PulsehouseError PH_PULSAR_TOPIC_NOT_FOUND, _AUTHENTICATION, _AUTHORIZATION; retryable when it cannot be asked.
 */
export class TopicAdmin {
  readonly #options: TopicAdminOptions;

  constructor(options: TopicAdminOptions) {
    this.#options = options;
  }

  /** 0 for a topic without partitions, and for one that does not exist. */
  async partitionCount(topic: string, deadline: number): Promise<number> {
    const { partitions } = (await this.#json(topic, 'partitions', deadline)) as { partitions: number };
    return partitions;
  }

  async stats(topic: string, deadline: number): Promise<PartitionStats> {
    const stats = (await this.#json(topic, 'internalStats', deadline)) as InternalStats;
    const cursors = Object.entries(stats.cursors);
    const newest = stats.ledgers.at(-1)?.ledgerId;
    const written = parsePosition(stats.lastConfirmedEntry);
    const isKept = written.entry >= 0 && stats.ledgers.some(({ ledgerId }) => ledgerId === written.ledger);
    return {
      last: isKept ? written : BEFORE_ALL,
      end: laterOf(written, { ledger: newest ?? -1, entry: -1 }),
      ledgers: stats.ledgers.map(({ ledgerId, entries }) => ({
        ledger: ledgerId,
        entries: ledgerId === newest ? undefined : entries,
      })),
      markDelete: new Map(
        cursors.map(([name, cursor]) => [name, parsePosition(cursor.markDeletePosition)] as const),
      ),
    };
  }

  /** What stands at a position, from the headers that go with a message asked for by its id. */
  async entryAt(topic: string, { ledger, entry }: Position, deadline: number): Promise<StoredEntry> {
    const inTime = Math.min(deadline, this.#options.environment.now() + ENTRY_TIME);
    let response: Response;
    try {
      response = await this.#get(topic, `ledger/${ledger}/entry/${entry}`, inTime);
    } catch (error) {
      if (error instanceof Error && error.cause instanceof Error && error.cause.name === 'TimeoutError') {
        return 'unreadable';
      }
      throw error;
    }
    await response.body?.cancel();
    if (response.status === 404) return 'gone';
    this.#assertOk(response, topic, '');
    const { headers } = response;
    if (headers.has('X-Pulsar-marker-type')) return 'marker';
    if (headers.get('X-Pulsar-txn-aborted') === 'true') return 'aborted';
    return Number(headers.get('X-Pulsar-num-chunks-from-msg')) > 1 ? 'chunk' : 'message';
  }

  async #json(topic: string, what: string, deadline: number): Promise<unknown> {
    const response = await this.#get(topic, what, deadline);
    const text = await response.text();
    this.#assertOk(response, topic, text);
    return JSON.parse(text);
  }

  async #get(topic: string, what: string, deadline: number): Promise<Response> {
    const { url, token, environment } = this.#options;
    const left = Math.max(1, deadline - environment.now());
    try {
      return await fetch(`${url.replace(/\/$/, '')}/admin/v2/${adminPath(topic)}/${what}`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${await token()}` },
        signal: AbortSignal.timeout(left),
      });
    } catch (cause) {
      throw new PulsehouseError(
        'PH_PULSAR_UNREACHABLE',
        `the admin API cannot be asked: ${messageOf(cause)}`,
        {
          where: { topic, server: url },
          nextStep: 'Check that PULSAR_ADMIN_URL names the web port of the broker.',
          cause,
        },
      );
    }
  }

  #assertOk({ ok, status }: Response, topic: string, body: string): void {
    if (ok) return;
    const code = STATUS_CODES[status] ?? (status >= 500 ? 'PH_PULSAR_NOT_READY' : 'PH_PULSAR_REFUSED');
    throw new PulsehouseError(code, `the admin API answered ${status}: ${body.slice(0, 300)}`, {
      where: { topic, server: this.#options.url },
    });
  }
}

/** `persistent://tenant/namespace/name` as the admin API has it; a bare name lies in public/default. */
function adminPath(topic: string): string {
  const [, scheme = 'persistent', rest = topic] = /^(\w[\w-]*):\/\/(.*)$/.exec(topic) ?? [];
  const [tenant, namespace, ...name] = rest.includes('/') ? rest.split('/') : ['public', 'default', rest];
  return [scheme, tenant, namespace, encodeURIComponent(name.join('/'))].join('/');
}
