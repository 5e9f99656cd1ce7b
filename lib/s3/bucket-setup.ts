import { CreateBucketCommand, HeadBucketCommand } from '@aws-sdk/client-s3';
import { isAwsError } from '../aws/request.ts';
import { askBucket, type Bucket, bucketError } from './bucket.ts';

/** Creates the bucket if it is missing. Safe to run twice, and by two at once. */
export async function ensureBucket(bucket: Bucket, deadline: number): Promise<'found' | 'created'> {
  if (await exists(bucket, deadline)) return 'found';
  const region = await bucket.client.config.region();
  const command = new CreateBucketCommand({
    Bucket: bucket.name,
    // us-east-1 is the one region whose name S3 refuses here.
    ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
  });
  try {
    await askBucket(bucket, deadline, (options) => bucket.client.send(command, options));
    return 'created';
  } catch (error) {
    if (isAwsError(error, 'BucketAlreadyOwnedByYou')) return 'found';
    throw bucketError(bucket, 'create the bucket', error);
  }
}

async function exists(bucket: Bucket, deadline: number): Promise<boolean> {
  const command = new HeadBucketCommand({ Bucket: bucket.name });
  try {
    await askBucket(bucket, deadline, (options) => bucket.client.send(command, options));
    return true;
  } catch (error) {
    if (isAwsError(error, 'NotFound', 'NoSuchBucket')) return false;
    throw bucketError(bucket, 'look for the bucket', error);
  }
}
