import type { Log } from '../../ports/log.ts';
import { type AdminAccess, askAdmin, mayNotAsk, ofTopic } from './admin-api.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * When the topic's ledger list was made: another time means another topic of the same name. Undefined where the role
 * may not ask.
 * @throws PulsehouseError as `askAdmin`
 */
export async function topicCreatedAt(
  access: AdminAccess,
  log: Log,
  topic: string,
  deadline: number,
): Promise<string | undefined> {
  const read = (body: unknown) => {
    const created = objectIn(body)['creationDate'];
    if (typeof created !== 'string') throw new TypeError('no creation date');
    return created;
  };
  try {
    return await askAdmin(access, ofTopic(topic, 'internal-info'), read, deadline);
  } catch (error) {
    if (!mayNotAsk(error)) throw error;
    log.warn('The role may not ask the admin API; what it alone knows stays unknown', { topic });
    return undefined;
  }
}

/** Who is connected to a subscription, each as `"name" at address`. @throws PulsehouseError as `askAdmin` */
export async function connectedConsumers(
  access: AdminAccess,
  topic: string,
  subscription: string,
  deadline: number,
): Promise<readonly string[]> {
  const read = (body: unknown) => {
    const { consumers } = objectIn(objectIn(objectIn(body)['subscriptions'])[subscription]);
    if (!Array.isArray(consumers)) throw new TypeError('no consumers');
    return consumers.map((consumer: Json) => `"${consumer['consumerName']}" at ${consumer['address']}`);
  };
  return askAdmin(access, ofTopic(topic, 'stats'), read, deadline);
}

function objectIn(value: unknown): Json {
  if (typeof value === 'object' && value !== null) return value as Json;
  throw new TypeError('no object');
}
