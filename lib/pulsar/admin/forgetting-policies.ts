import * as z from 'zod';
import { type AdminAccess, askAdmin, ofNamespace, ofTopic } from './admin-api.ts';

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

/** A policy that is set nowhere is answered with nothing, or with null within a list of them. */
const seconds = z.number().nullish();
const quota = z.object({
  policy: z.string().nullish(),
  limitSize: z.number().nullish(),
  limitTime: z.number().nullish(),
});
const quotas = z.record(z.string(), quota).nullish();
const inactivity = z
  .object({ inactiveTopicDeleteMode: z.string().nullish(), deleteWhileInactive: z.boolean().nullish() })
  .nullish();

/**
 * Asks for the policies in force: the topic's own, else its namespace's, else the broker's.
 * @throws PulsehouseError as `askAdmin`, when one of the questions is refused or not answered.
 */
export async function readForgettingPolicies(
  access: AdminAccess,
  topic: string,
  deadline: number,
): Promise<ForgettingPolicies> {
  const applied = <T>(policy: string, shape: z.ZodType<T>) =>
    askAdmin(access, ofTopic(topic, `${policy}?applied=true`), (body) => shape.parse(body), deadline);
  const expiring = ofNamespace(topic, 'subscriptionExpirationTime');
  const [ttl, quotaBy, inactive, expiry] = await Promise.all([
    applied('messageTTL', seconds),
    applied('backlogQuotaMap', quotas),
    applied('inactiveTopicPolicies', inactivity),
    askAdmin(access, expiring, (body) => seconds.parse(body), deadline),
  ]);
  const evicting = Object.entries(quotaBy ?? {}).filter(([by, set]) => evicts(by, set));
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
function evicts(by: string, { policy, limitTime, limitSize }: z.infer<typeof quota>): boolean {
  const limit = by === 'message_age' ? limitTime : limitSize;
  return policy === 'consumer_backlog_eviction' && positive(limit) !== undefined;
}

function positive(value: number | null | undefined): number | undefined {
  return value && value > 0 ? value : undefined;
}
