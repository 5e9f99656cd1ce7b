import type { ObjectStore } from '../ports/object-store.ts';
import type { Bucket } from '../s3/bucket.ts';

export interface OpenedObjectStore {
  readonly port: ObjectStore;
  close(): Promise<void>;
}

/**
 * The bucket's store, opened by its first call: a consumer needs it for dead letters alone, and the S3 client is a
 * quarter of what an invocation would load.
 */
export function objectStoreOnDemand(openBucket: () => Promise<Bucket>): OpenedObjectStore {
  let opened: Promise<{ readonly bucket: Bucket; readonly store: ObjectStore }> | undefined;
  const open = async () => {
    const [bucket, { s3ObjectStore }] = await Promise.all([openBucket(), import('../s3/object-store.ts')]);
    return { bucket, store: s3ObjectStore(bucket) };
  };
  const store = async () => {
    opened ??= open();
    return (await opened).store;
  };
  return {
    port: {
      create: async (key, body, deadline) => (await store()).create(key, body, deadline),
      read: async (key, deadline) => (await store()).read(key, deadline),
      list: async (prefix, deadline) => (await store()).list(prefix, deadline),
      listAfter: async (prefix, after, deadline) => (await store()).listAfter(prefix, after, deadline),
      delete: async (key, deadline) => (await store()).delete(key, deadline),
    },
    close: async () => (await opened)?.bucket.client.destroy(),
  };
}
