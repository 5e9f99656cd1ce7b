import { PulsehouseError } from '../../../pipeline/errors.ts';
import { OPERATION_TIMEOUT, type WireOptions } from '../options.ts';
import { type BrokerAddress, formatAddress, parseServiceUrl } from './address.ts';
import { Connection, KEEP_ALIVE } from './connection.ts';

/**
 * A connection silent for this long is not handed out again: in a process that was frozen no timer ran, and the broker
 * gave up long ago.
 */
const STALE_AFTER = 20_000;

/** One connection for each broker, and for each broker reached through a proxy. */
export class ConnectionPool {
  readonly #options: WireOptions;
  readonly #serviceAddresses: readonly [BrokerAddress, ...BrokerAddress[]];
  readonly #connections = new Map<string, Promise<Connection>>();
  #closed = false;

  /** @throws PulsehouseError PH_PULSAR_URL_INVALID */
  constructor(options: WireOptions) {
    this.#options = options;
    this.#serviceAddresses = parseServiceUrl(options.serviceUrl);
  }

  get tls(): boolean {
    return this.#serviceAddresses[0].tls;
  }

  /** To any broker, or to the proxy: the first address of the service URL that answers. */
  async toService(deadline: number): Promise<Connection> {
    let failure: unknown;
    for (const address of this.#serviceAddresses) {
      try {
        return await this.to(address, undefined, deadline);
      } catch (error) {
        if (!(error instanceof PulsehouseError) || error.kind !== 'retryable') throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** To the broker `proxyToBroker` (`host:port`) through the proxy that the service URL names. */
  async throughProxy(proxyToBroker: string, deadline: number): Promise<Connection> {
    return this.to(this.#serviceAddresses[0], proxyToBroker, deadline);
  }

  async to(address: BrokerAddress, proxyToBroker: string | undefined, deadline: number): Promise<Connection> {
    if (this.#closed) {
      throw new PulsehouseError('PH_PULSAR_UNREACHABLE', 'the transport was closed');
    }
    const key = `${formatAddress(address)} ${proxyToBroker ?? ''}`;
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
      { environment, authentication, tls, keepAlive, proxyToBroker },
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
    this.#closed = true;
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
