import type { Client, ClientConfig, Consumer } from 'pulsar-client';
import { type ErrorWhere, PulsehouseError } from '../../pipeline/errors.ts';
import type { Environment } from '../../ports/environment.ts';
import type { Binding } from './binding.ts';
import { clientFailure } from './failures.ts';
import type { PulsarClientOptions } from './options.ts';

/** A client whose own operations end by about `deadline`; it counts in whole seconds. */
export function newClient(binding: Binding, options: PulsarClientOptions, deadline: number): Client {
  const { serviceUrl, token, tlsTrustCertsFile, listenerName, environment } = options;
  const left = deadline - environment.now();
  const config: ClientConfig = {
    serviceUrl,
    operationTimeoutSeconds: Math.max(1, Math.ceil(left / 1000)),
    connectionTimeoutMs: Math.max(1, Math.min(10_000, left)),
    logLevel: binding.LogLevel.WARN,
    statsIntervalInSeconds: 0,
    tlsValidateHostname: true,
    ...(token !== undefined && { authentication: new binding.AuthenticationToken({ token }) }),
    ...(tlsTrustCertsFile !== undefined && { tlsTrustCertsFilePath: tlsTrustCertsFile }),
    ...(listenerName !== undefined && { listenerName }),
  };
  return new binding.Client(config);
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

/** Closing flushes the acknowledgements that the client has collected: before it, none of them counts. */
export async function closeAll(
  consumer: Consumer | undefined,
  client: Client,
  environment: Environment,
  deadline: number,
): Promise<void> {
  try {
    if (consumer !== undefined) await settled(consumer.close(), environment, deadline, {});
  } finally {
    await settled(client.close(), environment, deadline, {});
  }
}
