import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import type { ObjectStore } from '../ports/object-store.ts';
import { askBucket, type Bucket, bucketError } from './bucket.ts';
import { createObject } from './create-object.ts';
import { readObject } from './read-object.ts';

/** The object store on one S3 bucket. */
export function s3ObjectStore(bucket: Bucket): ObjectStore {
  return {
    create: (key, body, deadline) => createObject(bucket, key, body, deadline),
    read: (key, deadline) => readObject(bucket, key, deadline),
    list: (prefix, deadline) => listKeys(bucket, prefix, undefined, deadline),
    listAfter: (prefix, after, deadline) => listKeys(bucket, prefix, after, deadline),
    delete: async (key, deadline) => {
      const command = new DeleteObjectCommand({ Bucket: bucket.name, Key: key });
      try {
        await askBucket(bucket, deadline, (options) => bucket.client.send(command, options));
      } catch (error) {
        throw bucketError(bucket, `delete "${key}"`, error);
      }
    },
  };
}

async function listKeys(
  bucket: Bucket,
  prefix: string,
  after: string | undefined,
  deadline: number,
): Promise<readonly string[]> {
  const keys: string[] = [];
  let next: string | undefined;
  do {
    const command: ListObjectsV2Command = new ListObjectsV2Command({
      Bucket: bucket.name,
      Prefix: prefix,
      ...(after !== undefined && { StartAfter: after }),
      ...(next && { ContinuationToken: next }),
    });
    try {
      const page: ListObjectsV2CommandOutput = await askBucket(bucket, deadline, (options) =>
        bucket.client.send(command, options),
      );
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      next = page.NextContinuationToken;
    } catch (error) {
      throw bucketError(bucket, `list "${prefix}"`, error);
    }
  } while (next);
  return keys;
}
