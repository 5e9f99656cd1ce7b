import { PutObjectCommand } from '@aws-sdk/client-s3';
import { isPassingFailure } from '../aws/failure.ts';
import { isAwsError } from '../aws/request.ts';
import type { CreateResult } from '../ports/object-store.ts';
import { askBucket, type Bucket, bucketError } from './bucket.ts';
import { readObject } from './read-object.ts';

/** 412: it exists. 409: another create, or a delete, of the same key was under way. */
const REFUSED = ['PreconditionFailed', 'ConditionalRequestConflict'];

const PAUSE = 100;

/**
 * Create-only. After a refusal or a lost reply what stands there is read and answered; while nothing stands there the
 * create is tried again, which can never make two of it.
 * @throws PulsehouseError PH_OBJECTS_UNREACHABLE in doubt when neither could be had by the deadline; PH_OBJECTS_REFUSED
 * at once when S3 says no.
 */
export async function createObject(
  bucket: Bucket,
  key: string,
  body: Uint8Array,
  deadline: number,
): Promise<CreateResult> {
  for (;;) {
    const error = await tryCreate(bucket, key, body, deadline);
    if (error === undefined) return { created: true };
    if (!isAwsError(error, ...REFUSED) && !isPassingFailure(error))
      throw bucketError(bucket, `create "${key}"`, error);
    const existing = await readObject(bucket, key, deadline);
    if (existing) return { created: false, existing };
    if (!isAwsError(error, ...REFUSED)) throw bucketError(bucket, `create "${key}"`, error);
    await bucket.environment.sleep(PAUSE * bucket.environment.random());
  }
}

async function tryCreate(bucket: Bucket, key: string, body: Uint8Array, deadline: number): Promise<unknown> {
  const command = new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: body, IfNoneMatch: '*' });
  try {
    await askBucket(bucket, deadline, (options) => bucket.client.send(command, options));
    return undefined;
  } catch (error) {
    return error;
  }
}
