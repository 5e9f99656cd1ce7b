/**
 * The metrics the functions emit and the alarms look at. Each carries the dimensions `service` (the deployment) and
 * `pipeline`. A metric that is zero is not sent: CloudWatch charges only for hours in which one is, so an idle
 * pipeline has none, and the alarms take silence for health.
 */
export const METRICS = {
  /** Seconds since the oldest message that is not in ClickHouse was published; only while there is one. */
  oldestUncommitted: 'OldestUncommittedSeconds',
  /** Entries above `committed`, all partitions; a lower bound where a partition's backlog spans ledgers. */
  backlog: 'BacklogEntries',
  /** Seconds since the newest complete checkpoint, while there is something that it does not say. */
  checkpointAge: 'CheckpointAgeSeconds',
  /**
   * Partitions at which nothing goes on: the pipeline's halted ones, and as parts of it those of a running replay, and those
   * that are not halted, whose tries fail although there is something to store. One metric, because one alarm looks at it.
   */
  halted: 'HaltedPartitions',
  haltedOfReplay: 'HaltedReplayPartitions',
  failing: 'FailingPartitions',
  /** Partitions that did not answer when they were measured; 1 when nothing at all could be measured. */
  unknown: 'UnknownPartitions',
  /** Rows that stand in the table and that views of it lack, or may lack; until they are refilled. */
  viewGapRows: 'ViewGapRows',
  deadLetters: 'DeadLetters',
  /** Messages read less those written, filtered and dead-lettered, by the totals of all partitions. Anything but 0 is a defect. */
  conservation: 'ConservationDifference',
  /** What an audit found wrong, by the audit's own counts: rows, and problems beyond rows. The others are parts of it. */
  auditFaults: 'AuditFaults',
  auditMissing: 'AuditMissing',
  auditDoubled: 'AuditDoubled',
  auditForeign: 'AuditForeign',
  messages: 'Messages',
  rows: 'Rows',
} as const;

export type MetricName = (typeof METRICS)[keyof typeof METRICS];
