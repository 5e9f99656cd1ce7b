import type { ErrorCode } from '../../pipeline/error-codes.ts';
import type { AuditCounts } from './audit-counts.ts';
import type { PartitionAudit, StuckPartition } from './audit-partition.ts';

/** A partition that could not be compared, because the topic did not answer for it. */
export interface UnknownPartition {
  readonly partition: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface AuditReport extends AuditCounts {
  readonly pipeline: string;
  readonly table: string;
  /** Nothing missing, doubled, foreign or unexplained, every cross-check agreed, and no partition is stuck. */
  readonly exact: boolean;
  /** Everything that could be read has been. */
  readonly drained: boolean;
  /** Everything committed was compared: the audit was not stopped before its end. */
  readonly complete: boolean;
  /** A checkpoint, or the key of a report; undefined: since the pipeline began. */
  readonly since: number | string | undefined;
  /** The newest complete checkpoint when it began: what that one says is among what was compared. */
  readonly checkpoint: number;
  readonly partitions: readonly PartitionAudit[];
  /** Not among `partitions`; each of them is a problem too. */
  readonly unknown: readonly UnknownPartition[];
  /** What is wrong beyond rows, one sentence each. Any of them makes the audit inexact. */
  readonly problems: readonly string[];
  /** What is committed may be right there, and nothing more comes: such a pipeline is not called exact. */
  readonly stuck: readonly StuckPartition[];
  /** What a reader must know to judge the result; no fault. */
  readonly remarks: readonly string[];
}
