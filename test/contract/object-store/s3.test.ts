import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { type Bucket, openBucket } from '../../../lib/s3/bucket.ts';
import { ensureBucket } from '../../../lib/s3/bucket-setup.ts';
import { s3ObjectStore } from '../../../lib/s3/object-store.ts';
import { type FaultyGateway, openFaultyGateway } from '../../support/faulty-gateway.ts';
import { objectStoreContract } from './contract.ts';

const NAME = `contract-${randomUUID()}`;
const soon = () => systemEnvironment.now() + 30_000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const bucketAt = (endpoint: string, bucket = NAME): Bucket =>
  openBucket({
    bucket,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    environment: systemEnvironment,
  });

const server = () => inject('stack')['AWS_ENDPOINT_URL'] ?? '';

beforeAll(async () => {
  await ensureBucket(bucketAt(server()), soon());
});

objectStoreContract('S3', async () => ({ objects: s3ObjectStore(bucketAt(server())), deadline: soon }));

describe('S3: bucket', () => {
  it('is created once, by two at once too', async () => {
    const bucket = bucketAt(server(), `contract-${randomUUID()}`);
    const made = await Promise.all([ensureBucket(bucket, soon()), ensureBucket(bucket, soon())]);
    expect(made).toContain('created');
    expect(await ensureBucket(bucket, soon())).toBe('found');
  });

  it('that is missing is named, whatever is asked of it', async () => {
    const objects = s3ObjectStore(bucketAt(server(), `contract-${randomUUID()}`));
    const missing = { code: 'PH_BUCKET_MISSING', kind: 'terminal' };
    await expect(objects.read('x', soon())).rejects.toMatchObject(missing);
    await expect(objects.list('x', soon())).rejects.toMatchObject(missing);
    await expect(objects.create('x', bytes('x'), soon())).rejects.toMatchObject(missing);
  });
});

describe('S3: faults', () => {
  let gateway: FaultyGateway;
  const open = () => s3ObjectStore(bucketAt(gateway.endpoint));

  beforeAll(async () => {
    gateway = await openFaultyGateway(server());
  });
  afterAll(() => gateway.close());

  it('a create whose reply is lost finds its own object standing', async () => {
    const key = randomUUID();
    gateway.plan('lose-reply');
    const result = await open().create(key, bytes('mine'), soon());
    expect(result.created).toBe(false);
    expect('existing' in result && Buffer.from(result.existing).toString()).toBe('mine');
  });

  it('a create is tried again while the server is overloaded, and creates', async () => {
    const key = randomUUID();
    gateway.plan('break', 'break');
    expect(await open().create(key, bytes('mine'), soon())).toEqual({ created: true });
  });

  it('silence ends at the deadline, in doubt', async () => {
    gateway.plan(...Array.from({ length: 100 }, () => 'swallow' as const));
    const creating = open().create(randomUUID(), bytes('x'), Date.now() + 700);
    await expect(creating).rejects.toMatchObject({ code: 'PH_OBJECTS_UNREACHABLE', kind: 'in-doubt' });
    gateway.plan();
  });

  it('a read that is lost is read again', async () => {
    const key = randomUUID();
    const objects = open();
    await objects.create(key, bytes('x'), soon());
    gateway.plan('lose-reply', 'break');
    expect(await objects.read(key, soon())).toHaveLength(1);
  });
});
