import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { dynamoReplayStore } from '../../../lib/dynamodb/replay-items.ts';
import { openBucket } from '../../../lib/s3/bucket.ts';
import { ensureBucket } from '../../../lib/s3/bucket-setup.ts';
import { s3ObjectStore } from '../../../lib/s3/object-store.ts';
import { dynamodbLocal, ministack, readyTable, soon } from '../state-store/emulators.ts';
import { replayRangesContract } from './replay-ranges.ts';

for (const emulator of [ministack, dynamodbLocal()]) {
  replayRangesContract(emulator.name, async () => {
    const bucket = openBucket({
      bucket: `contract-${randomUUID()}`,
      endpoint: inject('stack')['AWS_ENDPOINT_URL'] ?? '',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      environment: systemEnvironment,
    });
    await ensureBucket(bucket, soon());
    return {
      records: dynamoReplayStore(await readyTable(emulator.endpoint())),
      objects: s3ObjectStore(bucket),
      deadline: soon,
    };
  });
}
