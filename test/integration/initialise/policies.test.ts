import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import type { Place } from '../../support/place.ts';
import { test } from '../../support/place.ts';
import { InitSubject, told } from './subject.ts';

/** What the namespace is set to, and what `init` says of it: the start of a step, or of the refusal. */
const cases: readonly [string, string, unknown, { readonly told?: RegExp; readonly refused?: RegExp }][] = [
  [
    'a TTL of an hour',
    'messageTTL',
    3_600,
    { refused: /messages older than 3600 s are taken for acknowledged/ },
  ],
  ['a TTL of a week', 'messageTTL', 604_800, { told: /^warning messages older than 604800 s/ }],
  [
    'a backlog that is evicted',
    'backlogQuota?backlogQuotaType=destination_storage',
    { limitSize: 1_000_000, policy: 'consumer_backlog_eviction' },
    { refused: /the oldest messages are dropped .* \(destination_storage, consumer_backlog_eviction\)/ },
  ],
  [
    'a backlog evicted by age',
    'backlogQuota?backlogQuotaType=message_age',
    { limitTime: 3_600, policy: 'consumer_backlog_eviction' },
    { refused: /the oldest messages are dropped .* \(message_age, / },
  ],
  [
    'a backlog that holds producers up',
    'backlogQuota?backlogQuotaType=destination_storage',
    { limitSize: 1_000_000, policy: 'producer_exception' },
    { told: /^found topic policies keep unread messages/ },
  ],
  [
    'subscriptions that expire',
    'subscriptionExpirationTime',
    60,
    { told: /^warning a subscription without a consumer for 60 min is deleted/ },
  ],
  [
    'topics deleted when caught up',
    'inactiveTopicPolicies',
    {
      inactiveTopicDeleteMode: 'delete_when_subscriptions_caught_up',
      maxInactiveDurationSeconds: 60,
      deleteWhileInactive: true,
    },
    { told: /^warning the topic is deleted once it is caught up/ },
  ],
];

const set = (place: Place, policy: string, value: unknown) =>
  place.admin('POST', `namespaces/${place.namespace}/${policy}`, value);

describe('init on a namespace with', () => {
  for (const [name, policy, value, expected] of cases) {
    test(name, async ({ place }) => {
      const subject = new InitSubject(place);
      await subject.makeTopic(1);
      await set(place, policy, value);
      if (expected.told) {
        expect(told(await subject.init(), subject)).toContainEqual(expect.stringMatching(expected.told));
      } else {
        await expect(subject.init()).rejects.toMatchObject({
          code: 'PH_TOPIC_FORGETS',
          message: expect.stringMatching(expected.refused ?? ''),
          nextStep: expect.stringContaining('pulsar-admin'),
        });
      }
    });
  }
});

test('init without an admin URL says what it could not check', async ({ place }) => {
  const subject = new InitSubject(place);
  await subject.makeTopic(1);
  const report = await subject.init(undefined, ['PULSAR_ADMIN_URL']);
  expect(told(report, subject)).toContainEqual(
    expect.stringMatching(/^note topic policies could not be checked without PULSAR_ADMIN_URL/),
  );
});

/** What `init` says where this stands in front of the admin API. */
async function initBehind(place: Place, answer: RequestListener): Promise<readonly string[]> {
  const subject = new InitSubject(place);
  await subject.makeTopic(1);
  const guard = createServer(answer);
  await once(guard.listen(0, '127.0.0.1'), 'listening');
  try {
    const url = `http://127.0.0.1:${(guard.address() as AddressInfo).port}`;
    const environment = { ...place.environment, PULSAR_ADMIN_URL: url };
    return told(await new InitSubject({ ...place, environment }).init(), subject);
  } finally {
    guard.close();
  }
}

/** As the broker answers, except for the one policy. */
function inFrontOf(place: Place, status: number, body: string): RequestListener {
  const real = place.environment['PULSAR_ADMIN_URL'] ?? '';
  return async (asked, answer) => {
    if (asked.url?.includes('messageTTL')) return answer.writeHead(status).end(body);
    const found = await fetch(`${real}${asked.url}`);
    return answer.writeHead(found.status).end(await found.text());
  };
}

test('init with a token that may not see the policies goes on, and warns', async ({ place }) => {
  expect(await initBehind(place, inFrontOf(place, 403, '{"reason":"not yours"}'))).toContainEqual(
    expect.stringMatching(
      /^warning topic policies could not be checked: the admin API answered 403: not yours \(GET .*messageTTL/,
    ),
  );
});

test('init takes nothing but a number for a TTL', async ({ place }) => {
  expect(await initBehind(place, inFrontOf(place, 200, '<h1>Welcome</h1>'))).toContainEqual(
    expect.stringMatching(/^warning topic policies could not be checked: the admin API answered <h1>Welcome/),
  );
});
