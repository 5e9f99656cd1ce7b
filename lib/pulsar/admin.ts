import { messageOf, PulsehouseError } from '../pipeline/errors.ts';

export interface AdminSettings {
  /** `http(s)://host:port`. */
  readonly url: string;
  readonly token: string | undefined;
}

/** What of a topic's policies can make messages disappear before they are acknowledged. Undefined means never. */
export interface ForgettingPolicies {
  /** Seconds. */
  readonly messageTtl: number | undefined;
  /** What the backlog is measured by when it is evicted, `destination_storage` or `message_age`. */
  readonly evictedBy: readonly string[];
  /** Minutes without a consumer, after which the subscription is deleted. */
  readonly subscriptionExpiry: number | undefined;
  /** Whether the topic itself is deleted once every subscription has caught up. */
  readonly deletedWhenCaughtUp: boolean;
}

interface BacklogQuota {
  readonly policy?: string;
  readonly limitSize?: number;
  readonly limitTime?: number;
}

interface InactivePolicies {
  readonly inactiveTopicDeleteMode?: string;
  readonly deleteWhileInactive?: boolean;
}

/**
 * Asks for the policies in force: the topic's own, else its namespace's, else the broker's.
 * @param topic in full, `persistent://tenant/namespace/name`.
 * @param deadline ms since the epoch, of each question.
 * @throws PulsehouseError PH_PULSAR_ADMIN_FAILED when a question is refused or not answered.
 */
export async function readForgettingPolicies(
  settings: AdminSettings,
  topic: string,
  timeout: number,
): Promise<ForgettingPolicies> {
  const path = topicPath(topic);
  const ask = <T>(what: string) => get<T>(settings, what, timeout);
  const [ttl, quotas, inactive, expiry] = await Promise.all([
    ask<number>(`persistent/${path.topic}/messageTTL?applied=true`),
    ask<Readonly<Record<string, BacklogQuota>>>(`persistent/${path.topic}/backlogQuotaMap?applied=true`),
    ask<InactivePolicies>(`persistent/${path.topic}/inactiveTopicPolicies?applied=true`),
    ask<number>(`namespaces/${path.namespace}/subscriptionExpirationTime`),
  ]);
  const evicting = Object.entries(quotas ?? {}).filter(([by, quota]) => evicts(by, quota));
  return {
    messageTtl: positive(ttl),
    evictedBy: evicting.map(([by]) => by),
    subscriptionExpiry: positive(expiry),
    deletedWhenCaughtUp:
      inactive?.deleteWhileInactive === true &&
      inactive.inactiveTopicDeleteMode === 'delete_when_subscriptions_caught_up',
  };
}

/** A quota whose own limit is not above zero limits nothing. */
function evicts(by: string, quota: BacklogQuota): boolean {
  const limit = by === 'message_age' ? quota.limitTime : quota.limitSize;
  return quota.policy === 'consumer_backlog_eviction' && positive(limit) !== undefined;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function topicPath(topic: string): { readonly namespace: string; readonly topic: string } {
  const [tenant = '', namespace = '', ...name] = topic.replace(/^persistent:\/\//, '').split('/');
  const parent = `${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`;
  return { namespace: parent, topic: `${parent}/${encodeURIComponent(name.join('/'))}` };
}

/** Undefined where the policy is set nowhere: then the broker answers without a body. */
async function get<T>({ url, token }: AdminSettings, path: string, timeout: number): Promise<T | undefined> {
  const address = `${url.replace(/\/+$/, '')}/admin/v2/${path}`;
  try {
    const answer = await fetch(address, {
      signal: AbortSignal.timeout(timeout),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`HTTP ${answer.status} ${text.slice(0, 200)}`.trim());
    return text === '' ? undefined : (JSON.parse(text) as T);
  } catch (error) {
    throw new PulsehouseError('PH_PULSAR_ADMIN_FAILED', `GET ${address}: ${messageOf(error)}`, {
      where: { server: url },
      cause: error,
    });
  }
}
