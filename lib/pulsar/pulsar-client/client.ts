import type { Client } from 'pulsar-client';
import { type ErrorWhere, PulsehouseError } from '../../pipeline/errors.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Binding } from './binding.ts';
import { clientFailure } from './failures.ts';
import type { PulsarClientOptions } from './options.ts';

/** Seconds that the client's own operations may take; a caller's deadline may come sooner. */
const OPERATION_SECONDS = 30;
const CONNECTION_MILLISECONDS = 10_000;

/**
 * Clients, each lent to one user at a time: a reader that holds its client's thread must hold nobody else. They are used
 * again, as a closed client keeps its threads and files until the garbage collector finds it.
 */
export class ClientPool {
  readonly #binding: Binding;
  readonly #options: PulsarClientOptions;
  readonly #all = new Set<Client>();
  #idle: Client[] = [];

  constructor(binding: Binding, options: PulsarClientOptions) {
    this.#binding = binding;
    this.#options = options;
  }

  lend(): Client {
    const client = this.#idle.pop() ?? this.#newClient();
    this.#all.add(client);
    return client;
  }

  /** For a client on which nothing is open and nothing failed. */
  takeBack(client: Client): void {
    if (this.#all.has(client)) this.#idle.push(client);
  }

  /** For a client that cannot be trusted any more. */
  async discard(client: Client): Promise<void> {
    if (this.#all.delete(client)) await client.close();
  }

  async close(): Promise<void> {
    this.#idle = [];
    await Promise.all([...this.#all].map((client) => this.discard(client)));
  }

  #newClient(): Client {
    const { serviceUrl, token, tlsTrustCertsFile, listenerName } = this.#options;
    const { AuthenticationToken, Client, LogLevel } = this.#binding;
    return new Client({
      serviceUrl,
      operationTimeoutSeconds: OPERATION_SECONDS,
      connectionTimeoutMs: CONNECTION_MILLISECONDS,
      logLevel: LogLevel.WARN,
      statsIntervalInSeconds: 0,
      tlsValidateHostname: true,
      ...(token !== undefined && { authentication: new AuthenticationToken({ token }) }),
      ...(tlsTrustCertsFile !== undefined && { tlsTrustCertsFilePath: tlsTrustCertsFile }),
      ...(listenerName !== undefined && { listenerName }),
    });
  }
}

/**
 * Waits for what the client promised, at most until `deadline`.
 * @throws PulsehouseError by the client's own word, or PH_PULSAR_TIMEOUT
 */
export async function settled<Result>(
  promise: Promise<Result>,
  environment: Environment,
  deadline: number,
  where: ErrorWhere,
): Promise<Result> {
  const done = new AbortController();
  const late = environment.sleep(Math.max(0, deadline - environment.now()), done.signal).then(() => {
    throw new PulsehouseError('PH_PULSAR_TIMEOUT', 'pulsar-client did not answer in time', { where });
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    throw clientFailure(error, where);
  } finally {
    late.catch(() => {});
    promise.catch(() => {});
    done.abort();
  }
}
