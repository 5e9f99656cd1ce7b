import { GetObjectCommand } from '@aws-sdk/client-s3';
import { isAwsError } from '../aws/request.ts';
import { askBucket, type Bucket, bucketError } from './bucket.ts';

/** The whole object, or undefined when there is none. S3 reads see every earlier write. */
export async function readObject(
  bucket: Bucket,
  key: string,
  deadline: number,
): Promise<Uint8Array | undefined> {
  const command = new GetObjectCommand({ Bucket: bucket.name, Key: key });
  try {
    return await askBucket(bucket, deadline, async (options) => {
      const { Body } = await bucket.client.send(command, options);
      return Body?.transformToByteArray();
    });
  } catch (error) {
    if (isAwsError(error, 'NoSuchKey')) return undefined;
    throw bucketError(bucket, `read "${key}"`, error);
  }
}
