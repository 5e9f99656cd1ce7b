import { NO_VALUE } from './cloudformation.ts';

/** How what lies still is encrypted: with the customer's key where there is one, else with one that AWS owns for nothing. */
export function encryption(key: string) {
  if (key === '') {
    return {
      key: NO_VALUE,
      byAws: true,
      table: NO_VALUE,
      bucket: { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
    };
  }
  return {
    key,
    byAws: NO_VALUE,
    table: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key },
    bucket: {
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
      // One data key for many objects: a snapshot a minute would otherwise ask KMS each time.
      BucketKeyEnabled: true,
    },
  };
}
