import { S3Client } from '@aws-sdk/client-s3';
import { type AwsEndpoint, awsClientOptions } from '../aws/client-options.ts';
import { adviceOnRefusal, isPassingFailure } from '../aws/failure.ts';
import { describeAwsError, isAwsError, withinDeadline } from '../aws/request.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';

/** The bucket as the files of this folder see it. */
export interface Bucket {
  readonly client: S3Client;
  readonly name: string;
  /** Where the bucket is, for messages. */
  readonly server: string;
  readonly environment: Environment;
}

export interface BucketOptions extends AwsEndpoint {
  readonly bucket: string;
  readonly environment: Environment;
}

export function openBucket(options: BucketOptions): Bucket {
  return {
    client: new S3Client({
      ...awsClientOptions(options),
      // Another endpoint than Amazon's rarely has a DNS name for each bucket.
      forcePathStyle: options.endpoint !== undefined,
    }),
    name: options.bucket,
    server: options.endpoint ?? `S3 ${options.region ?? ''}`.trim(),
    environment: options.environment,
  };
}

/**
 * One request to the bucket, over by `deadline`. Errors pass through as the SDK threw them.
 */
export function askBucket<T>(
  bucket: Bucket,
  deadline: number,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  return withinDeadline(deadline, bucket.environment.now(), send);
}

/**
 * The error to throw for what the SDK threw about `what`, an object's key or a listing: PH_BUCKET_MISSING,
 * PH_OBJECTS_UNREACHABLE (in doubt) or PH_OBJECTS_REFUSED (terminal).
 */
export function bucketError(bucket: Bucket, what: string, error: unknown): PulsehouseError {
  const where = { server: bucket.server };
  if (isAwsError(error, 'NoSuchBucket')) {
    return new PulsehouseError('PH_BUCKET_MISSING', `there is no bucket "${bucket.name}"`, {
      where,
      cause: error,
    });
  }
  const message = `bucket "${bucket.name}", ${what}: ${describeAwsError(error)}`;
  if (isPassingFailure(error)) {
    return new PulsehouseError('PH_OBJECTS_UNREACHABLE', message, { where, cause: error });
  }
  const nextStep = adviceOnRefusal(error);
  return new PulsehouseError('PH_OBJECTS_REFUSED', message, {
    where,
    cause: error,
    ...(nextStep === undefined ? {} : { nextStep }),
  });
}
