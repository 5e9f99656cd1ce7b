import type { StateTable } from '../dynamodb/state-table.ts';
import { ensureStateTable } from '../dynamodb/table-setup.ts';
import type { Bucket } from '../s3/bucket.ts';
import { ensureBucket } from '../s3/bucket-setup.ts';
import type { Tell } from './step.ts';

export async function ensureStores(
  table: StateTable,
  bucket: Bucket,
  deadline: number,
  tell: Tell,
): Promise<void> {
  tell({ outcome: await ensureStateTable(table, deadline), message: `state table ${table.name}` });
  tell({ outcome: await ensureBucket(bucket, deadline), message: `bucket ${bucket.name}` });
}
