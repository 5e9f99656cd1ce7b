import { messageOf, PulsehouseError } from '../../pipeline/errors.ts';
import { type HttpAnswer, httpGet } from '../http-get.ts';
import { OPERATION_TIMEOUT, type WireOptions } from './options.ts';

type Json = Readonly<Record<string, unknown>>;

/** What only the admin API tells of one partition. */
export interface TopicFacts {
  /** When the topic's ledger list was made: another time means another topic of the same name. */
  readonly createdAt: string;
}

/**
 * Undefined where there is no admin URL, or the role may not ask.
 * @throws PulsehouseError PH_PULSAR_UNREACHABLE, PH_PULSAR_NOT_READY, PH_PULSAR_TOPIC_NOT_FOUND
 */
export async function topicFacts(
  options: WireOptions,
  topic: string,
  deadline: number,
): Promise<TopicFacts | undefined> {
  const info = await ask(options, topic, 'internal-info', deadline);
  return info && { createdAt: String(info['creationDate']) };
}

/** Who is connected to a subscription, each as `"name" at address`. Undefined as for `topicFacts`, which throws alike. */
export async function connectedConsumers(
  options: WireOptions,
  topic: string,
  subscription: string,
  deadline: number,
): Promise<readonly string[] | undefined> {
  const stats = await ask(options, topic, 'stats', deadline);
  const found = objectIn(objectIn(stats, 'subscriptions'), subscription)?.['consumers'];
  if (!Array.isArray(found)) return undefined;
  return found.map((consumer: Json) => `"${consumer['consumerName']}" at ${consumer['address']}`);
}

function objectIn(parent: Json | undefined, key: string): Json | undefined {
  const child = parent?.[key];
  return typeof child === 'object' && child !== null ? (child as Json) : undefined;
}

/** `GET /admin/v2/persistent/{tenant}/{namespace}/{topic}/{what}` */
async function ask(
  options: WireOptions,
  topic: string,
  what: string,
  deadline: number,
): Promise<Json | undefined> {
  const { adminUrl, log } = options;
  const name = /^persistent:\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(topic);
  if (adminUrl === undefined || !name) return undefined;
  const path = name.slice(1).map(encodeURIComponent).join('/');
  const url = `${adminUrl.replace(/\/$/, '')}/admin/v2/persistent/${path}/${what}`;
  const response = await send(options, url, deadline);
  if (response.status === 404) {
    throw new PulsehouseError('PH_PULSAR_TOPIC_NOT_FOUND', 'the admin API does not know the topic', {
      where: { topic },
    });
  }
  if (response.status === 401 || response.status === 403) {
    log.warn('The role may not ask the admin API; what it alone knows stays unknown', { topic, what });
    return undefined;
  }
  const body: unknown = response.status === 200 ? JSON.parse(response.body) : undefined;
  if (typeof body !== 'object' || body === null) {
    throw new PulsehouseError('PH_PULSAR_NOT_READY', `the admin API answered ${response.status}`, {
      where: { topic, server: url },
    });
  }
  return body as Json;
}

async function send(options: WireOptions, url: string, deadline: number): Promise<HttpAnswer> {
  const { environment, authentication, operationTimeout = OPERATION_TIMEOUT } = options;
  const headers: Record<string, string> =
    authentication?.method === 'token'
      ? { authorization: `Bearer ${Buffer.from(await authentication.data()).toString('utf8')}` }
      : {};
  const timeout = Math.max(1, Math.min(operationTimeout, deadline - environment.now()));
  try {
    return await httpGet(url, headers, timeout);
  } catch (cause) {
    throw new PulsehouseError('PH_PULSAR_UNREACHABLE', `the admin API does not answer: ${messageOf(cause)}`, {
      where: { server: url },
      nextStep: 'Check PULSAR_ADMIN_URL, or leave it unset.',
      cause,
    });
  }
}
