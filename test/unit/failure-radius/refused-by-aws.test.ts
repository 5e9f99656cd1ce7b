import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { dynamoStateStore } from '../../../lib/dynamodb/state-store.ts';
import { openStateTable } from '../../../lib/dynamodb/state-table.ts';
import { lambdaInvoker } from '../../../lib/lambda/invoker.ts';
import { withSecrets } from '../../../lib/lambda/secrets.ts';
import { partitionItem } from '../../../lib/leases/items.ts';
import { takeLease } from '../../../lib/leases/lease.ts';
import { openBucket } from '../../../lib/s3/bucket.ts';
import { s3ObjectStore } from '../../../lib/s3/object-store.ts';
import {
  type AnsweringServer,
  answerAlways,
  jsonFailure,
  type WireAnswer,
  xmlFailure,
} from '../../support/answering-server.ts';

const servers: AnsweringServer[] = [];
const at = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

async function server(answer: WireAnswer): Promise<AnsweringServer> {
  const started = await answerAlways(answer);
  servers.push(started);
  return started;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(servers.splice(0).map((one) => one.close()));
});

const soon = () => systemEnvironment.now() + 60_000;

const DENIED = 'User: arn:aws:sts::1:assumed-role/consume is not authorized to perform: dynamodb:UpdateItem';

describe('DynamoDB', () => {
  const take = (endpoint: string, deadline = soon()) => {
    const store = dynamoStateStore(
      openStateTable({ ...at, endpoint, table: 'state', environment: systemEnvironment }),
    );
    const terms = { owner: 'me', duration: 15_000, deadline };
    return takeLease(partitionItem(store, 'iot', 0), terms, systemEnvironment);
  };

  test.each([
    ['a missing right', 'AccessDeniedException', DENIED, 'Grant the role'],
    ['a disabled key', 'AccessDeniedException', 'KMS key access denied', 'Enable the key'],
    [
      'an item over the limit',
      'ValidationException',
      'Item size has exceeded the maximum allowed size',
      '400 KB',
    ],
    ['a malformed request', 'ValidationException', 'Type mismatch for key', 'PULSEHOUSE_STATE_TABLE'],
    ['unknown credentials', 'UnrecognizedClientException', 'The security token is invalid', 'credentials'],
    ['a name nobody has heard of', 'SomethingNewException', 'no', 'Grant the right or mend the limit'],
  ])('%s ends the taking of a lease at once and is named', async (_, name, message, nextStep) => {
    const refusing = await server(jsonFailure(name, message));
    await expect(take(refusing.endpoint)).rejects.toMatchObject({
      code: 'PH_STATE_REFUSED',
      kind: 'terminal',
      message: expect.stringContaining(message),
      nextStep: expect.stringContaining(nextStep),
    });
    expect(refusing.seen()).toBe(1);
  });

  test.each([
    ['throttling', jsonFailure('ThrottlingException', 'slow down')],
    ['a hot key', jsonFailure('ProvisionedThroughputExceededException', 'slow down')],
    ['a server error', jsonFailure('InternalServerError', 'oh', 500)],
    ['a balancer without servers', { status: 503, body: '' }],
  ])('%s may pass: it is tried again', async (_, answer) => {
    const passing = await server(answer);
    await expect(take(passing.endpoint, systemEnvironment.now() + 1_500)).rejects.toMatchObject({
      code: 'PH_STATE_UNREACHABLE',
      kind: 'in-doubt',
    });
    expect(passing.seen()).toBeGreaterThan(1);
  });
});

describe('S3', () => {
  const open = (endpoint: string) =>
    s3ObjectStore(openBucket({ ...at, endpoint, bucket: 'bucket', environment: systemEnvironment }));

  test.each([
    ['a read', (endpoint: string) => open(endpoint).read('x', soon())],
    ['a create', (endpoint: string) => open(endpoint).create('x', new Uint8Array(1), soon())],
    ['a listing', (endpoint: string) => open(endpoint).list('x', soon())],
    ['a delete', (endpoint: string) => open(endpoint).delete('x', soon())],
  ])('%s without the right ends at once', async (_, act) => {
    const refusing = await server(xmlFailure('AccessDenied', 'not authorized to perform: s3:it', 403));
    await expect(act(refusing.endpoint)).rejects.toMatchObject({
      code: 'PH_OBJECTS_REFUSED',
      kind: 'terminal',
      message: expect.stringContaining('not authorized to perform: s3:it'),
    });
    expect(refusing.seen()).toBe(1);
  });

  test('a request to slow down may pass', async () => {
    const passing = await server(xmlFailure('SlowDown', 'slow down', 503));
    await expect(open(passing.endpoint).read('x', systemEnvironment.now() + 1_000)).rejects.toMatchObject({
      code: 'PH_OBJECTS_UNREACHABLE',
      kind: 'in-doubt',
    });
  });
});

describe('Lambda and secrets', () => {
  const surroundings = (endpoint: string) => {
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  };

  test.each([
    ['PH_INVOKE_REFUSED', jsonFailure('AccessDeniedException', 'not authorized', 403), 1],
    ['PH_INVOKE_REFUSED', jsonFailure('ResourceNotFoundException', 'no such function', 404), 1],
    ['PH_INVOKE_FAILED', jsonFailure('TooManyRequestsException', 'slow down', 429), 2],
  ])('a start that fails is %s', async (code, answer, atLeast) => {
    const failing = await server(answer);
    surroundings(failing.endpoint);
    const invoker = lambdaInvoker(systemEnvironment);
    const starting = invoker.start('consume', { pipeline: 'iot', partition: 3 }, Date.now() + 1_000);
    await expect(starting).rejects.toMatchObject({ code, where: { partition: 3 } });
    expect(failing.seen()).toBeGreaterThanOrEqual(atLeast);
    invoker.close();
  });

  test.each(['ssm:/my/password', 'secretsmanager:my-password'])(
    'a secret that may not be read is named: %s',
    async (place) => {
      const refusing = await server(jsonFailure('AccessDeniedException', 'not authorized'));
      surroundings(refusing.endpoint);
      await expect(withSecrets({ CLICKHOUSE_PASSWORD_FROM: place }, true)).rejects.toMatchObject({
        code: 'PH_SECRET_REFUSED',
        message: expect.stringContaining(place),
      });
    },
  );
});
