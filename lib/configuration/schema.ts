import * as z from 'zod';
import { exclusion } from './exclusion.ts';
import { initialPosition } from './initial-position.ts';
import { duration, size, whole } from './quantities.ts';
import { targetSettings } from './target-settings.ts';
import { topic } from './topic.ts';

/** One insert of up to so many rows is one block, and only one block is atomic. */
const ROWS_OF_ONE_BLOCK = 1_048_449;
/** 194 MB of JSON became one part, 383 MB two, whatever the settings. */
const BYTES_OF_ONE_BLOCK = 200 * 2 ** 20;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Every name but those of the columns that Pulsehouse fills itself. */
export const FREE_COLUMN = /^(?!_(partition|ledger|entry|index|row)$)/;

const name = z
  .string({ error: 'is not a name; write lower case letters, digits and dashes' })
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
    error: 'is not a name; write 1 to 63 lower case letters, digits and dashes, no dash at either end',
  });

const text = (what: string) =>
  z.string({ error: `is not ${what}; write it as text, in quotes if need be` }).min(1, {
    error: `is empty; write ${what}`,
  });

const flag = z.boolean({ error: 'is neither true nor false; write one of them' });

const fields = (what: string, value: string) =>
  z
    .record(
      z.string().regex(FREE_COLUMN, {
        error: 'is a column that Pulsehouse fills itself; leave it out',
      }),
      text(value),
      { error: `is not a list of ${what}; write one "name: ${value}" a line` },
    )
    .refine((record) => Object.keys(record).length > 0, { error: `is empty; name the ${what}` });

const target = z.strictObject({
  database: text('a database').meta({ description: 'ClickHouse database.', examples: ['benchmark'] }),
  table: text('a table').meta({ description: 'ClickHouse table.', examples: ['sensors_local'] }),
  role: text('a role')
    .meta({
      description: "ClickHouse role whose rights alone are used. @default the user's default roles",
    })
    .optional(),
  settings: targetSettings
    .meta({ description: 'ClickHouse settings that go with every insert.', examples: [{ insert_quorum: 2 }] })
    .optional(),
});

const source = z.strictObject({
  format: z
    .enum(['json'], { error: 'is not a format that can be read; write json' })
    .meta({ description: 'What a payload is: json is one JSON object a message.' })
    .prefault('json'),
  fields: fields('source fields', 'ClickHouse type').meta({
    description: 'Fields read from each message, with the ClickHouse type each is read as.',
    examples: [{ temperature: 'Nullable(Float64)' }],
  }),
  nullValues: z
    .enum(['skip', 'deadLetter'], {
      error: 'is no way to treat messages without a value; write skip or deadLetter',
    })
    .meta({
      description:
        'Messages without a value (tombstones): skip counts them as filtered, deadLetter keeps them.',
    })
    .prefault('skip'),
  emptyStrings: z
    .enum(['default', 'null', 'deadLetter'], {
      error: 'is no way to treat empty strings; write default, null or deadLetter',
    })
    .meta({
      description:
        'Empty strings where a field is no text: default stores what ClickHouse makes of them, null stores NULL in Nullable fields, deadLetter refuses them.',
    })
    .prefault('deadLetter'),
  maxEntryBytes: size({
    min: 2 ** 20,
    max: 2 ** 29,
    because: 'an entry is held in memory three times over while it is put together',
  })
    .meta({
      description:
        'What one entry may hold, decompressed: a batch of a producer, or a chunked message and what lies between its chunks.',
    })
    .prefault('128 MiB'),
});

const batch = z.strictObject({
  maxRows: whole({
    min: 1,
    max: ROWS_OF_ONE_BLOCK,
    because: 'more than that is not one block, and only one block is stored whole or not at all',
  })
    .meta({ description: 'Messages that cut a batch.' })
    .prefault(200_000),
  maxBytes: size({
    min: 64 * 2 ** 10,
    max: BYTES_OF_ONE_BLOCK,
    because: 'a larger body becomes several parts',
  })
    .meta({ description: 'Payload bytes that cut a batch.' })
    .prefault('96 MiB'),
  maxWait: duration({ min: 10, max: 15 * MINUTE })
    .meta({ description: 'A batch is cut this long after its first entry was pulled.' })
    .prefault('5 s'),
  inFlight: whole({ min: 1, max: 8 })
    .meta({ description: 'Batches in memory at once, the one being filled included.' })
    .prefault(3),
  insertTimeout: duration({ min: 2 * SECOND, max: 10 * MINUTE })
    .meta({ description: 'How long one insert may take; later the statement itself stores nothing.' })
    .prefault('30 s'),
});

const acknowledgeBehind = z.strictObject({
  checkpoints: whole({ min: 0, max: 10_000 })
    .meta({ description: 'Checkpoints that acknowledgement stays behind the newest.' })
    .prefault(0),
  age: duration({ min: 0, max: 30 * DAY })
    .meta({ description: 'Age a checkpoint must reach before it is acknowledged.' })
    .prefault('0 s'),
});

const checkpoint = z.strictObject({
  interval: duration({ min: SECOND, max: DAY })
    .meta({ description: 'Time from one checkpoint to the next.' })
    .prefault('60 s'),
  flushTimeout: duration({ min: 100, max: 14 * MINUTE })
    .meta({ description: 'How long a checkpoint waits for partitions to flush.' })
    .prefault('20 s'),
  snapshotsKept: whole({ min: 2, max: 10_000 })
    .meta({ description: 'Snapshots that are kept; older ones are deleted.' })
    .prefault(48),
  acknowledgeBehind: acknowledgeBehind
    .meta({ description: 'How far acknowledgement trails, so that replay has something to read.' })
    .prefault({}),
});

const consume = z.strictObject({
  mode: z
    .enum(['drain', 'follow'], { error: 'is not a mode; write drain or follow' })
    .meta({ description: 'drain ends when the partition is empty, follow stays until the deadline.' })
    .prefault('drain'),
  lease: duration({ min: 2 * SECOND, max: 15 * MINUTE })
    .meta({ description: 'A partition whose writer died is taken over after this long.' })
    .prefault('15 s'),
});

const deadLetters = z.strictObject({
  enabled: flag
    .meta({ description: 'Whether messages that cannot become rows go to the bucket; else they halt.' })
    .prefault(true),
  maxRatio: z
    .number({ error: 'is not a share; write a number from 0 to 1' })
    .min(0, { error: 'is below 0; write a share from 0 to 1' })
    .max(1, { error: 'is above 1; write a share from 0 to 1, such as 0.01 for 1 %' })
    .meta({ description: 'A larger share of a batch halts the partition instead.' })
    .prefault(0.01),
  minimum: whole({ min: 0, max: 1_000_000 })
    .meta({ description: 'So few are never too many, whatever their share.' })
    .prefault(10),
});

const audit = z.strictObject({
  horizon: duration({ min: MINUTE, max: 3650 * DAY })
    .meta({
      description: "Rows of messages published longer ago may be gone by the table's TTL. @default none",
    })
    .optional(),
  interval: duration({ min: 0, max: 30 * DAY })
    .meta({ description: 'Time between two scheduled audits; 0 s schedules none.' })
    .prefault('1 d'),
  exclusions: z
    .array(exclusion, { error: 'is not a list; write one "- reason: …" with from and to for each' })
    .max(100, { error: 'is too long; join neighbouring ranges, 100 are the most' })
    .meta({ description: 'Recorded deletions: rows that no replay brings back.' })
    .prefault([]),
});

/** pipeline.yml as it is written, and through its transforms as the program takes it. */
export const pipelineFile = z.strictObject({
  name: name.meta({ description: 'Names everything this pipeline keeps.', examples: ['iot'] }),
  topic: topic.meta({ description: 'Pulsar topic, partitioned or not.' }),
  subscription: text('a subscription')
    .meta({ description: 'Durable subscription that holds retention. @default pulsehouse-<name>' })
    .optional(),
  initialPosition: initialPosition
    .meta({ description: 'Where the partitions found by the first init start.' })
    .prefault('earliest'),
  target,
  source,
  columns: fields('columns', 'SQL expression').meta({
    description: 'Column name to SQL expression over the source fields.',
    examples: [{ temperature: 'coalesce(temperature, 0)' }],
  }),
  where: text('an SQL condition')
    .meta({
      description:
        'SQL condition over the source fields: messages that do not meet it have no row and count as filtered. @default none',
      examples: ["kind = 'reading' AND temperature IS NOT NULL"],
    })
    .optional(),
  batch: batch.meta({ description: 'What makes a batch, which is one insert.' }).prefault({}),
  checkpoint: checkpoint.meta({ description: 'The flush/ack cycle.' }).prefault({}),
  consume: consume.meta({ description: 'How a partition is consumed.' }).prefault({}),
  deadLetters: deadLetters.meta({ description: 'What becomes of bad messages.' }).prefault({}),
  audit: audit.meta({ description: 'What an audit may find gone, and when it runs.' }).prefault({}),
  allowWithoutDeduplication: flag
    .meta({ description: 'Accepts a table that remembers no deduplication tokens.' })
    .prefault(false),
});

export type PipelineFile = z.output<typeof pipelineFile>;
