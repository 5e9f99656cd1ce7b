export type CreateResult =
  | { readonly created: true }
  /** Somebody, perhaps we ourselves, was first: what stands there counts and not what was offered. */
  | { readonly created: false; readonly existing: Uint8Array };

/**
 * Immutable objects under keys (S3). Every call ends by `deadline` (ms since the epoch).
 * @throws PulsehouseError PH_OBJECTS_UNREACHABLE (in-doubt), PH_OBJECTS_REFUSED (terminal), PH_BUCKET_MISSING.
 */
export interface ObjectStore {
  /** Create-only. A lost reply is settled by reading: the answer says what stands there now. */
  create(key: string, body: Uint8Array, deadline: number): Promise<CreateResult>;
  read(key: string, deadline: number): Promise<Uint8Array | undefined>;
  /** Keys under `prefix`, in ascending order. */
  list(prefix: string, deadline: number): Promise<readonly string[]>;
  /** As `list`, those alone that come after `after` in that order. */
  listAfter(prefix: string, after: string, deadline: number): Promise<readonly string[]>;
  /** Deleting what is not there is no error. */
  delete(key: string, deadline: number): Promise<void>;
}
