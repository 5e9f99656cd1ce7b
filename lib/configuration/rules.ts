import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatDuration } from './duration.ts';
import { formatSize } from './size.ts';

/** What a key's value means beside the others. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly path: readonly string[];
  readonly message: string;
}

type Rule = (pipeline: Pipeline) => readonly Finding[];

const error = (path: readonly string[], message: string): Finding => ({ severity: 'error', path, message });
const warning = (path: readonly string[], message: string): Finding => ({
  severity: 'warning',
  path,
  message,
});

const flushBeforeNext: Rule = ({ checkpoint: { flushTimeout, interval } }) =>
  flushTimeout < interval
    ? []
    : [
        error(
          ['checkpoint', 'flushTimeout'],
          `${formatDuration(flushTimeout)} is not below checkpoint.interval (${formatDuration(interval)}): a cycle would still wait when the next is due; write less`,
        ),
      ];

/** Snapshots still to be acknowledged are never deleted, so that too small a number is only not true. */
const snapshotsOutliveAcknowledgement: Rule = ({ checkpoint }) => {
  const { acknowledgeBehind, snapshotsKept, interval } = checkpoint;
  const needed = Math.max(acknowledgeBehind.checkpoints, Math.ceil(acknowledgeBehind.age / interval)) + 1;
  if (needed <= snapshotsKept) return [];
  return [
    warning(
      ['checkpoint', 'snapshotsKept'],
      `${snapshotsKept} is fewer than checkpoint.acknowledgeBehind needs, and up to ${needed} are kept all the same; write ${needed}`,
    ),
  ];
};

const deadWriterHoldsUp: Rule = ({ consume: { lease }, checkpoint: { interval } }) =>
  lease <= interval
    ? []
    : [
        warning(
          ['consume', 'lease'],
          `${formatDuration(lease)} is more than checkpoint.interval: a writer that died holds its partition up for longer than a checkpoint; 15 s suits most`,
        ),
      ];

/** Doubt that tokens cannot settle waits until the insert can no longer arrive, so its time bounds the outage. */
const doubtHoldsUp: Rule = ({ allowWithoutDeduplication, batch: { insertTimeout }, consume: { lease } }) =>
  !allowWithoutDeduplication || insertTimeout <= 4 * lease
    ? []
    : [
        warning(
          ['batch', 'insertTimeout'],
          `${formatDuration(insertTimeout)} is how long a partition waits after each lost answer, since the table deduplicates nothing; write no more than an insert needs`,
        ),
      ];

const FEW_ROWS = 10_000;
const SHORT_WAIT = 1_000;

const smallBatches: Rule = ({ batch: { maxRows, maxWait } }) => [
  ...(maxRows < FEW_ROWS
    ? [
        warning(
          ['batch', 'maxRows'],
          `${maxRows} makes many small parts, which cost ClickHouse up to ten times the CPU; 200000 suits most`,
        ),
      ]
    : []),
  ...(maxWait < SHORT_WAIT
    ? [
        warning(
          ['batch', 'maxWait'],
          `${formatDuration(maxWait)} cuts batches of whatever came in that time, however little; 5 s suits most`,
        ),
      ]
    : []),
];

const MUCH_MEMORY = 2 ** 30;

const memory: Rule = ({ batch: { inFlight, maxBytes } }) =>
  inFlight * maxBytes <= MUCH_MEMORY
    ? []
    : [
        warning(
          ['batch', 'inFlight'],
          `${inFlight} batches of ${formatSize(maxBytes)} are up to ${formatSize(inFlight * maxBytes)} in memory: give the function as much and half again, or write less`,
        ),
      ];

const unusedFields: Rule = ({ source, columns, where = '' }) => {
  const expressions = [...Object.values(columns), where];
  const used = new Set(expressions.flatMap((expression) => expression.match(/\w+/g) ?? []));
  return Object.keys(source.fields)
    .filter((field) => /^\w+$/.test(field) && !used.has(field))
    .map((field) =>
      warning(['source', 'fields', field], 'is read by no column; leave it out or map it in columns'),
    );
};

const onePartition: Rule = ({ topic }) =>
  /-partition-\d+$/.test(topic)
    ? [
        warning(
          ['topic'],
          `"${topic}" is one partition of a topic; its others are not read; write the name without -partition-N for all of them`,
        ),
      ]
    : [];

const RULES: readonly Rule[] = [
  flushBeforeNext,
  snapshotsOutliveAcknowledgement,
  deadWriterHoldsUp,
  doubtHoldsUp,
  smallBatches,
  memory,
  unusedFields,
  onePartition,
];

/** Everything the rules say of a pipeline whose keys are each valid by themselves. */
export function checkRules(pipeline: Pipeline): readonly Finding[] {
  return RULES.flatMap((rule) => rule(pipeline));
}

/**
 * What several pipelines must not share: positions of two topics in one table could not be told apart, and two that
 * acknowledge for one subscription would each forget what the other still needs.
 */
export function checkTogether(pipeline: Pipeline, earlier: readonly Pipeline[]): readonly Finding[] {
  const table = ({ target }: Pipeline) => `${target.database}.${target.table}`;
  return earlier.flatMap((other) => [
    ...(other.name === pipeline.name
      ? [error(['name'], `"${pipeline.name}" names another pipeline already; write another name`)]
      : []),
    ...(table(other) === table(pipeline)
      ? [
          error(
            ['target', 'table'],
            `${table(pipeline)} is the table of pipeline ${other.name} already; give each pipeline its own, and join them by a view`,
          ),
        ]
      : []),
    ...(other.topic === pipeline.topic && other.subscription === pipeline.subscription
      ? [
          error(
            ['subscription'],
            `"${pipeline.subscription}" is the subscription of pipeline ${other.name} already; write another`,
          ),
        ]
      : []),
  ]);
}
