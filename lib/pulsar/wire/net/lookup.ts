import { PulsehouseError } from '../../../pipeline/errors.ts';
import { decodeLookupResponse, encodeLookup } from '../commands/lookup.ts';
import { formatAddress, parseServiceUrl } from './address.ts';
import type { Connection } from './connection.ts';
import type { ConnectionPool, Endpoint } from './pool.ts';

/** Redirects followed for one topic; brokers that disagree for longer than this are not going to agree. */
const MAX_REDIRECTS = 20;

/**
 * Connects to the broker that serves a topic, over the connection that everybody shares.
 * @throws PulsehouseError as `findOwner`
 */
export async function connectToOwner(
  pool: ConnectionPool,
  topic: string,
  listenerName: string | undefined,
  deadline: number,
): Promise<Connection> {
  return pool.to(await findOwner(pool, topic, listenerName, deadline), deadline);
}

/**
 * Finds the broker that serves a topic, following redirects and going through the proxy where the broker says so.
 * @throws PulsehouseError PH_PULSAR_NOT_READY (retryable), PH_PULSAR_TOPIC_NOT_FOUND, PH_PULSAR_UNREACHABLE, …
 */
export async function findOwner(
  pool: ConnectionPool,
  topic: string,
  listenerName: string | undefined,
  deadline: number,
): Promise<Endpoint> {
  let connection = await pool.toService(deadline);
  let authoritative = false;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const asked = { topic, authoritative, listenerName };
    const answer = await connection.request('LOOKUP', (id) => encodeLookup(asked, id), deadline);
    const found = decodeLookupResponse(answer.body);
    if (found.outcome === 'failed') break;
    const url = pool.tls ? found.urlTls : found.url;
    if (url === '') {
      throw new PulsehouseError(
        'PH_PULSAR_REFUSED',
        `the broker of the topic offers no ${pool.tls ? 'TLS' : 'plain'} address`,
        { where: { topic, server: connection.server } },
      );
    }
    const [address] = parseServiceUrl(url);
    // The answer comes from the network: a token goes to nobody in plain text because somebody there says so.
    if (pool.tls && !address.tls && !found.throughService) {
      throw new PulsehouseError(
        'PH_PULSAR_REFUSED',
        `the lookup was answered with the plain address ${url} where PULSAR_SERVICE_URL asks for TLS`,
        {
          where: { topic, server: connection.server },
          nextStep: 'Mend brokerServiceUrlTls of the broker, or find out who answers in its place.',
        },
      );
    }
    const endpoint = found.throughService ? pool.throughProxy(formatAddress(address)) : { address };
    if (found.outcome === 'connect') return endpoint;
    connection = await pool.to(endpoint, deadline);
    authoritative = found.authoritative;
  }
  throw new PulsehouseError('PH_PULSAR_NOT_READY', 'the brokers do not agree on who serves the topic', {
    where: { topic, server: connection.server },
  });
}
