import { isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { AdminAccess } from '../pulsar/admin/admin-api.ts';
import { type ForgettingPolicies, readForgettingPolicies } from '../pulsar/admin/forgetting-policies.ts';
import type { Tell } from './step.ts';

/** An ordinary outage lasts hours: a shorter time to live would take messages that nobody had a chance to read. */
const SHORT_TTL = 86_400;

/** Policies of a topic that was just made are slow to answer once. */
const QUESTION_TIME = 15_000;

/**
 * Looks for policies by which Pulsar would forget messages that were not read.
 * @throws PulsehouseError PH_TOPIC_FORGETS for those that an ordinary backlog or outage would meet.
 */
export async function checkPolicies(
  pipeline: Pipeline,
  admin: AdminAccess | undefined,
  tell: Tell,
): Promise<void> {
  if (!admin) {
    tell({
      outcome: 'note',
      message:
        'topic policies could not be checked without PULSAR_ADMIN_URL: see that no TTL, backlog eviction or subscription expiry deletes unread messages',
    });
    return;
  }
  const policies = await readPolicies(pipeline, admin, tell);
  if (!policies) return;
  const { refused, warned } = judge(pipeline, policies);
  for (const step of warned) tell({ outcome: 'warning', ...step });
  if (refused.length > 0) {
    throw new PulsehouseError(
      'PH_TOPIC_FORGETS',
      `topic ${pipeline.topic} would lose unread messages:\n${refused.map(({ message }) => `- ${message}`).join('\n')}`,
      {
        where: { topic: pipeline.topic, pipeline: pipeline.name, server: admin.url },
        nextStep: `Run, or set the like:\n${refused.map(({ remedy }) => remedy).join('\n')}`,
      },
    );
  }
  if (warned.length === 0) tell({ outcome: 'found', message: 'topic policies keep unread messages' });
}

/** Consuming needs no admin rights, so that being refused them is no reason to refuse the pipeline. */
async function readPolicies(
  { topic }: Pipeline,
  admin: AdminAccess,
  tell: Tell,
): Promise<ForgettingPolicies | undefined> {
  try {
    return await readForgettingPolicies(admin, topic, admin.environment.now() + QUESTION_TIME);
  } catch (error) {
    if (!isPulsehouseError(error)) throw error;
    const { message, nextStep } = error;
    tell({
      outcome: 'warning',
      message: `topic policies could not be checked: ${message}`,
      remedy: nextStep,
    });
    return undefined;
  }
}

interface Judgement {
  readonly message: string;
  readonly remedy: string;
}

function judge(
  { topic }: Pipeline,
  policies: ForgettingPolicies,
): { readonly refused: readonly Judgement[]; readonly warned: readonly Judgement[] } {
  const namespace = topic
    .replace(/^persistent:\/\//, '')
    .split('/')
    .slice(0, 2)
    .join('/');
  const { messageTtl, evictedBy, subscriptionExpiry, deletedWhenCaughtUp } = policies;
  const ttl =
    messageTtl === undefined
      ? []
      : [
          {
            message: `messages older than ${messageTtl} s are taken for acknowledged, read or not (message TTL)`,
            remedy: `pulsar-admin topicPolicies set-message-ttl --ttl 0 ${topic}`,
          },
        ];
  const evicted = evictedBy.map((by) => ({
    message: `the oldest messages are dropped when the backlog is over its quota (${by}, consumer_backlog_eviction)`,
    remedy: `pulsar-admin namespaces set-backlog-quota ${namespace} --type ${by} --limit 10G --limitTime -1 --policy producer_request_hold`,
  }));
  const expiry =
    subscriptionExpiry === undefined
      ? []
      : [
          {
            message: `a subscription without a consumer for ${subscriptionExpiry} min is deleted: a pipeline paused for so long would lose its place`,
            remedy: `pulsar-admin namespaces set-subscription-expiration-time ${namespace} --time 0`,
          },
        ];
  const inactive = deletedWhenCaughtUp
    ? [
        {
          message:
            'the topic is deleted once it is caught up with and has no producer: its positions begin anew then',
          remedy: `pulsar-admin topicPolicies set-inactive-topic-policies --enable-delete-while-inactive --max-inactive-duration 60s --delete-mode delete_when_no_subscriptions ${topic}`,
        },
      ]
    : [];
  const short = messageTtl !== undefined && messageTtl < SHORT_TTL;
  return {
    refused: [...(short ? ttl : []), ...evicted],
    warned: [...(short ? [] : ttl), ...expiry, ...inactive],
  };
}
