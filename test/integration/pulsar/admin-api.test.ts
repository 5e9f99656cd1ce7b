import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import type { AdminAccess } from '../../../lib/pulsar/admin/admin-api.ts';
import { readForgettingPolicies } from '../../../lib/pulsar/admin/forgetting-policies.ts';
import { TopicAdmin } from '../../../lib/pulsar/admin/topic-admin.ts';
import { topicCreatedAt } from '../../../lib/pulsar/admin/topic-facts.ts';
import { tokenAuthentication } from '../../../lib/pulsar/wire/net/authentication.ts';
import { addressesOf, createTopic, quiet, soon } from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';

const TOPIC = 'persistent://public/default/any';

function at(url: string): AdminAccess {
  return { url, environment: systemEnvironment };
}

/** Everything this project asks the admin API for. */
async function failures(access: AdminAccess, topic: string, deadline: number): Promise<readonly unknown[]> {
  const admin = new TopicAdmin(access);
  const asked = [
    admin.stats(topic, deadline),
    admin.entryAt(topic, { ledger: 1, entry: 1 }, deadline),
    readForgettingPolicies(access, topic, deadline),
    topicCreatedAt(access, quiet, topic, deadline),
  ];
  return Promise.all(asked.map((one) => one.catch((error: unknown) => error)));
}

async function withServer(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const page = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html>\n<h1>Welcome</h1></html>');
const json = (status: number, body: unknown) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** Headers and the first half of what was announced. */
function half(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 100 });
  response.write('{"creationDate":"2026-');
}

const namesTheUrl = expect.stringContaining('PULSAR_ADMIN_URL');

describe('an admin URL at which stands', () => {
  test.for([
    ['a page', page(200), 'PH_PULSAR_ADMIN_FAILED', namesTheUrl],
    ['a server that knows no such page', page(404), 'PH_PULSAR_ADMIN_FAILED', namesTheUrl],
    [
      'a gateway that wants a login',
      (response: ServerResponse) => response.writeHead(302, { location: '/login' }).end(),
      'PH_PULSAR_ADMIN_FAILED',
      namesTheUrl,
    ],
    ['some other API', json(200, 'welcome'), 'PH_PULSAR_ADMIN_FAILED', namesTheUrl],
    ['an API without the topic', json(404, { reason: 'Topic not found' }), 'PH_PULSAR_TOPIC_NOT_FOUND'],
    ['a gateway without a broker', page(503), 'PH_PULSAR_NOT_READY'],
    ['a gateway that has had enough', page(429), 'PH_PULSAR_THROTTLED'],
    [
      'a broker that lets go half way',
      (response: ServerResponse) => {
        half(response);
        setTimeout(() => response.destroy(), 20);
      },
      'PH_PULSAR_UNREACHABLE',
      namesTheUrl,
    ],
    [
      'a broker that sends on for ever',
      (response: ServerResponse) => response.writeHead(307, { location: '/admin/v2/again' }).end(),
      'PH_PULSAR_NOT_READY',
    ],
  ] as const)('%s is one error that says so', async ([, answer, code, nextStep]) => {
    await withServer(
      (_request, response) => void answer(response),
      async (url) => {
        const [stats, entry, policies, created] = await failures(at(url), TOPIC, soon());
        const expected = expect.objectContaining({
          code,
          where: { topic: TOPIC, server: url },
          message: expect.stringMatching(/^the admin API .* \(GET .+\)$/),
          nextStep: nextStep ?? expect.any(String),
        });
        expect([stats, policies, created]).toEqual([expected, expected, expected]);
        // Of an entry only the headers are read: a page looks like a message, and a topic that is gone has none.
        if (code === 'PH_PULSAR_NOT_READY' || code === 'PH_PULSAR_THROTTLED') expect(entry).toEqual(expected);
      },
    );
  });

  test.for([
    ['never answers', () => {}],
    ['falls silent half way', half],
  ] as const)('a broker that %s is an error at the deadline', async ([, answer]) => {
    await withServer(
      (_request, response) => void answer(response),
      async (url) => {
        const [stats, , policies, created] = await failures(at(url), TOPIC, Date.now() + 300);
        const late = expect.objectContaining({ code: 'PH_PULSAR_TIMEOUT', kind: 'retryable' });
        expect([stats, policies, created]).toEqual([late, late, late]);
      },
    );
  });

  test('nothing at all is one error, and so is the binary port', async ({ place }) => {
    const closed: string[] = [];
    await withServer(
      () => {},
      async (url) => void closed.push(url),
    );
    const unreachable = expect.objectContaining({
      code: 'PH_PULSAR_UNREACHABLE',
      kind: 'retryable',
      nextStep: namesTheUrl,
    });
    const binary = addressesOf(place).serviceUrl.replace('pulsar:', 'http:');
    for (const url of [...closed, binary]) {
      expect(await failures(at(url), TOPIC, soon())).toEqual(Array(4).fill(unreachable));
    }
  });

  test.for([
    [401, 'PH_PULSAR_AUTHENTICATION', 'PULSAR_TOKEN'],
    [403, 'PH_PULSAR_AUTHORIZATION', 'Grant'],
  ] as const)('a guard that answers %i hides what only it knows', async ([status, code, nextStep]) => {
    await withServer(
      (_request, response) => void page(status)(response),
      async (url) => {
        const [stats, entry, policies, created] = await failures(at(url), TOPIC, soon());
        const refused = expect.objectContaining({
          code,
          kind: 'terminal',
          nextStep: expect.stringContaining(nextStep),
        });
        expect([stats, entry, policies]).toEqual([refused, refused, refused]);
        expect(created).toBeUndefined();
      },
    );
  });
});

describe('a broker that does not own the topic', () => {
  const topicOf = (place: Place) => createTopic(place, 'owned');

  test('sends on to the one that does, which is shown the token too', async ({ place }) => {
    const topic = await topicOf(place);
    const real = addressesOf(place).adminUrl;
    const shown: (string | undefined)[] = [];
    await withServer(
      (request, response) => {
        shown.push(request.headers.authorization);
        response.writeHead(307, { location: `${real}${request.url}` }).end();
      },
      (owner) =>
        withServer(
          (request, response) =>
            void response.writeHead(307, { location: `${owner}${request.url}?authoritative=true` }).end(),
          async (url) => {
            const access = { ...at(`${url}/`), authentication: tokenAuthentication('abc') };
            const found = await topicCreatedAt(access, quiet, topic, soon());
            expect(found).toBe(await topicCreatedAt(at(real), quiet, topic, soon()));
            expect(found).toMatch(/^\d{4}-/);
            expect(shown).toEqual(['Bearer abc']);
          },
        ),
    );
  });
});
