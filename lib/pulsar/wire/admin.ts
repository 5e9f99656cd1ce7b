import { messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import { OPERATION_TIMEOUT, type WireOptions } from './options.ts';

/** What only the admin API tells of one partition. */
export interface TopicFacts {
  /** When the topic's ledger list was made: another time means another topic of the same name. */
  readonly createdAt: string;
}

/**
 * Facts from `GET /admin/v2/persistent/{tenant}/{namespace}/{topic}/internal-info`. Undefined where there is no admin
 * URL, or the role may not ask.
 * @throws PulsehouseError PH_PULSAR_UNREACHABLE, PH_PULSAR_TOPIC_NOT_FOUND
 */
export async function topicFacts(
  options: WireOptions,
  topic: string,
  deadline: number,
): Promise<TopicFacts | undefined> {
  const { adminUrl, log } = options;
  const name = /^persistent:\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(topic);
  if (adminUrl === undefined || !name) return undefined;
  const path = name.slice(1).map(encodeURIComponent).join('/');
  const response = await ask(
    options,
    `${adminUrl.replace(/\/$/, '')}/admin/v2/persistent/${path}/internal-info`,
    deadline,
  );
  if (response.status === 404) {
    throw new PulsehouseError('PH_PULSAR_TOPIC_NOT_FOUND', 'the admin API does not know the topic', {
      where: { topic },
    });
  }
  if (response.status === 401 || response.status === 403) {
    log.warn('The topic cannot be told from another one of its name: the role may not ask the admin API', {
      topic,
    });
    return undefined;
  }
  const body: unknown = response.ok ? await response.json() : undefined;
  if (typeof body !== 'object' || body === null || !('creationDate' in body)) {
    throw new PulsehouseError('PH_PULSAR_NOT_READY', `the admin API answered ${response.status}`, {
      where: { topic },
    });
  }
  return { createdAt: String(body.creationDate) };
}

async function ask(options: WireOptions, url: string, deadline: number): Promise<Response> {
  const { environment, authentication, operationTimeout = OPERATION_TIMEOUT } = options;
  const headers: Record<string, string> =
    authentication?.method === 'token'
      ? { authorization: `Bearer ${Buffer.from(await authentication.data()).toString('utf8')}` }
      : {};
  const timeout = Math.max(1, Math.min(operationTimeout, deadline - environment.now()));
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(timeout) });
  } catch (cause) {
    throw new PulsehouseError('PH_PULSAR_UNREACHABLE', `the admin API does not answer: ${messageOf(cause)}`, {
      where: { server: url },
      nextStep: 'Check PULSAR_ADMIN_URL, or leave it unset.',
      cause,
    });
  }
}
