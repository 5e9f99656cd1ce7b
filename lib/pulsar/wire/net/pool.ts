import { setMaxListeners } from 'node:events';
import { PulsehouseError } from '../../../pipeline/errors.ts';
import { OPERATION_TIMEOUT, type WireOptions } from '../options.ts';
import { type BrokerAddress, formatAddress, parseServiceUrl } from './address.ts';
import { Connection, KEEP_ALIVE } from './connection.ts';

/**
 * A connection silent for this long is not handed out again: in a process that was frozen no timer ran, and the broker
 * gave up long ago.
 */
const STALE_AFTER = 20_000;

/** Of several addresses one that has not answered for so long is passed over, milliseconds. */
const LONGEST_TRY = 3_000;

/** Where a broker is reached. */
export interface Endpoint {
  readonly address: BrokerAddress;
  /** `host:port` of the broker behind the proxy at `address`. */
  readonly proxyToBroker?: string | undefined;
}

/** A connection on which nobody else reads, until it is given back. */
export interface ReadingConnection {
  readonly connection: Connection;
  /** Idempotent. */
  giveBack(): void;
}

/**
 * One connection for each broker, and for each broker reached through a proxy, that all requests share and one reader reads
 * from. A reader that is not taken from stops its socket, which would starve others on it: so while one reads, each further
 * one gets a connection of its own, closed with it. There are never more than readers at work, and one.
 */
export class ConnectionPool {
  readonly #options: WireOptions;
  readonly #serviceAddresses: readonly [BrokerAddress, ...BrokerAddress[]];
  readonly #connections = new Map<string, Promise<Connection>>();
  /** Keys of the connections that a reader reads from. */
  readonly #reading = new Set<string>();
  readonly #closing = new AbortController();

  /** @throws PulsehouseError PH_PULSAR_URL_INVALID */
  constructor(options: WireOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal);
    this.#serviceAddresses = parseServiceUrl(options.serviceUrl);
  }

  get tls(): boolean {
    return this.#serviceAddresses[0].tls;
  }

  /** To any broker, or to the proxy: the first address of the service URL that answers. A silent one leaves time for the next. */
  async toService(deadline: number): Promise<Connection> {
    let failure: unknown;
    for (const [index, address] of this.#serviceAddresses.entries()) {
      const others = this.#serviceAddresses.length - 1 - index;
      try {
        return await this.to({ address }, others === 0 ? deadline : this.#shareOf(deadline, others));
      } catch (error) {
        if (!(error instanceof PulsehouseError) || error.kind !== 'retryable') throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #shareOf(deadline: number, others: number): number {
    const now = this.#options.environment.now();
    return now + Math.min(LONGEST_TRY, (deadline - now) / (others + 1));
  }

  /** The broker `proxyToBroker` (`host:port`) through the proxy that the service URL names. */
  throughProxy(proxyToBroker: string): Endpoint {
    return { address: this.#serviceAddresses[0], proxyToBroker };
  }

  /** The connection that requests share. */
  async to(endpoint: Endpoint, deadline: number): Promise<Connection> {
    return this.#open(endpoint, keyOf(endpoint, 0), deadline);
  }

  /** The shared connection where nobody reads from it, else another one. */
  async forReader(endpoint: Endpoint, deadline: number): Promise<ReadingConnection> {
    let number = 0;
    while (this.#reading.has(keyOf(endpoint, number))) number += 1;
    const key = keyOf(endpoint, number);
    this.#reading.add(key);
    let isHeld = true;
    const giveBack = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#reading.delete(key);
      if (number > 0) void this.#discard(key);
    };
    try {
      return { connection: await this.#open(endpoint, key, deadline), giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  async #discard(key: string): Promise<void> {
    const opening = this.#connections.get(key);
    this.#connections.delete(key);
    const connection = await opening?.catch(() => undefined);
    await connection?.close();
  }

  async #open({ address, proxyToBroker }: Endpoint, key: string, deadline: number): Promise<Connection> {
    if (this.#closing.signal.aborted) {
      throw new PulsehouseError('PH_PULSAR_UNREACHABLE', 'the transport was closed');
    }
    for (;;) {
      const opening = this.#connections.get(key);
      if (opening === undefined) break;
      const connection = await opening.catch(() => undefined);
      if (connection !== undefined && connection.lost === undefined && !this.#isStale(connection))
        return connection;
      // Only whoever finds the entry unchanged removes it; another caller may have opened a new one meanwhile.
      if (this.#connections.get(key) === opening) {
        this.#connections.delete(key);
        await connection?.close();
      }
    }
    const { environment, authentication, tls = {}, keepAlive = KEEP_ALIVE } = this.#options;
    const { operationTimeout = OPERATION_TIMEOUT } = this.#options;
    const opening = Connection.open(
      address,
      { environment, authentication, tls, keepAlive, proxyToBroker, closing: this.#closing.signal },
      Math.min(deadline, environment.now() + operationTimeout),
    );
    opening.catch(() => {});
    this.#connections.set(key, opening);
    return opening;
  }

  #isStale(connection: Connection): boolean {
    return this.#options.environment.now() - connection.heardAt > STALE_AFTER && !connection.isInUse;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const opened = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(
      opened.map(async (opening) => {
        const connection = await opening.catch(() => undefined);
        await connection?.close();
      }),
    );
  }
}

function keyOf({ address, proxyToBroker = '' }: Endpoint, number: number): string {
  return `${formatAddress(address)} ${proxyToBroker} ${number}`;
}
