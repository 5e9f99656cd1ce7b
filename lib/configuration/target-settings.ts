import * as z from 'zod';

/** What a value of a setting must be: undefined where it may stand, else what to write. */
type Rule = (value: string) => string | undefined;

const whole: Rule = (value) => (/^\d+$/.test(value) ? undefined : 'a whole number');
const flag: Rule = (value) => (/^[01]$/.test(value) ? undefined : 'true or false');
const words: Rule = (value) => (value.length <= 1_000 ? undefined : 'at most 1,000 characters');
const only =
  (needed: string, because: string): Rule =>
  (value) =>
    value === needed ? undefined : `${needed}: ${because}`;

const LEAST_MEMORY = 2 ** 30;
const memory: Rule = (value) =>
  whole(value) ??
  (value === '0' || Number(value) >= LEAST_MEMORY
    ? undefined
    : `0 or at least ${LEAST_MEMORY}: with less, a large message would be taken for one that cannot be stored`);

/**
 * The settings that may go with every insert. Each either ends in an error or leaves every row, its values and their block
 * as they are without it; so a batch in doubt may be settled under other ones.
 */
export const ADMITTED_SETTINGS: Readonly<Record<string, Rule>> = {
  // How safely replicas store.
  insert_quorum: (value) => (value === 'auto' ? undefined : whole(value) && 'auto or a whole number'),
  insert_quorum_timeout: whole,
  insert_quorum_parallel: only('0', 'counts do not see what parallel quorum inserts have stored'),
  insert_keeper_max_retries: whole,
  insert_keeper_retry_initial_backoff_ms: whole,
  insert_keeper_retry_max_backoff_ms: whole,
  // What an insert may take of the server.
  max_memory_usage: memory,
  max_threads: whole,
  max_insert_delayed_streams_for_parallel_write: whole,
  input_format_parallel_parsing: flag,
  priority: whole,
  workload: words,
  // Indexes and statistics hold no rows.
  materialize_skip_indexes_on_insert: flag,
  materialize_statistics_on_insert: flag,
  exclude_materialize_skip_indexes_on_insert: words,
  // Types that a server wants to be allowed.
  allow_suspicious_low_cardinality_types: flag,
  allow_suspicious_variant_types: flag,
  enable_dynamic_type: flag,
  enable_json_type: flag,
  enable_variant_type: flag,
  // What the server writes down of it.
  log_comment: words,
  log_queries: flag,
  log_query_threads: flag,
  log_query_views: flag,
  log_processors_profiles: flag,
};

/** Why others are not, by what their names hold; the first that fits is told. */
const REFUSALS: readonly (readonly [name: RegExp, reason: string])[] = [
  [
    /^(query|query_id|user|password|role|quota_key|database|profile|default_format|session_.*|param_.*|compress|decompress|wait_end_of_query|buffer_size|http_.*|send_progress.*|readonly|allow_ddl)$/,
    'belongs to the request, which Pulsehouse makes',
  ],
  [/async_insert/, 'an insert has to be stored when it is answered'],
  [/dedup/, 'inserts are deduplicated by a token of their own; else one in doubt could be stored twice'],
  [
    /block_size|insert_block|max_insert_threads|squash|delayed_streams/,
    'one insert has to be one block, which alone is stored whole or not at all',
  ],
  [/^(max_execution_|timeout_|max_estimated_|.*_timeout)/, 'an insert has a deadline: batch.insertTimeout'],
  [
    /overflow_mode|^(limit|offset|final|dialect)$|^additional_|^max_(rows|bytes|result|partitions|columns|temporary)|partial_result|ignore_errors|allow_errors|consistency/,
    'it can leave rows out, of what is stored or of what is counted',
  ],
  [
    /^(input_|output_)?format_|^input_|json|^cast_|date_?time|time_?zone|null|bool_|variant|dynamic|decimal|float|enum|optimize_on_insert/,
    'it decides what a value becomes: write that into columns, where it is part of the mapping',
  ],
];

const UNKNOWN =
  'it is not one of those that are known to leave every row as it is; set it in the profile of CLICKHOUSE_USER where it has to be';

/** Why a setting may not be given; undefined where it may. */
export function refusalOf(name: string): string | undefined {
  if (Object.hasOwn(ADMITTED_SETTINGS, name)) return undefined;
  return REFUSALS.find(([pattern]) => pattern.test(name))?.[1] ?? UNKNOWN;
}

/** As the server takes them: a flag as 0 or 1. */
export const targetSettings = z
  .record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()], {
      error: 'is no text, number or flag; write one of them',
    }),
    { error: 'is not a list of settings; write one "name: value" a line' },
  )
  .transform((settings) =>
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, asText(value)])),
  )
  .superRefine((settings, context) => {
    for (const [name, value] of Object.entries(settings)) {
      const refusal = refusalOf(name);
      const wanted = ADMITTED_SETTINGS[name]?.(value);
      const message =
        refusal === undefined
          ? wanted && `is not as it has to be; write ${wanted}`
          : `is refused: ${refusal}`;
      if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
    }
  });

function asText(value: string | number | boolean): string {
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}
