/**
 * What may follow an error.
 * - terminal: the same call will fail again; somebody must change something.
 * - retryable: nothing happened; the same call may succeed later.
 * - in-doubt: it may have happened; it has to be settled by asking before anything else is done.
 */
export type ErrorKind = 'terminal' | 'retryable' | 'in-doubt';

interface CodeEntry {
  readonly kind: ErrorKind;
  /** What to do about it, as one imperative sentence. */
  readonly nextStep: string;
  /**
   * The partition stops itself until somebody resumes it: going on could lose or spoil data. Only terminal codes halt.
   * `at-position`: only where the error names an entry, which a reader met; elsewhere such a code says nothing of a partition.
   */
  readonly halts?: true | 'at-position';
}

/**
 * Every error code there is. Codes are stable: a released one is never renamed or reused.
 * `retryable` is a whitelist: whatever is not surely without effect is terminal or in-doubt.
 */
export const ERROR_CODES = {
  PH_POSITION_INVALID: {
    kind: 'terminal',
    nextStep: 'Give the position as ledger:entry, for example 12:345.',
  },
  PH_CONFIG_INVALID: { kind: 'terminal', nextStep: 'Correct the named key in pipeline.yml.' },

  PH_PULSAR_URL_INVALID: {
    kind: 'terminal',
    nextStep: 'Give PULSAR_SERVICE_URL as pulsar://host:port or pulsar+ssl://host:port.',
  },
  PH_PULSAR_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check that the broker runs and that PULSAR_SERVICE_URL names its binary port.',
  },
  PH_PULSAR_TLS: {
    kind: 'terminal',
    nextStep:
      "Name the authority of the broker's certificate, and connect by a name the certificate carries.",
  },
  PH_PULSAR_CONNECTION_LOST: { kind: 'retryable', nextStep: 'Nothing: the next run goes on.' },
  PH_PULSAR_TIMEOUT: {
    kind: 'retryable',
    nextStep: 'Check the broker and its bookies for overload; the next run goes on.',
  },
  PH_PULSAR_NOT_READY: {
    kind: 'retryable',
    nextStep: 'Nothing, if the broker is starting or moving the topic; otherwise read its log.',
  },
  PH_PULSAR_THROTTLED: {
    kind: 'retryable',
    nextStep: 'Raise the limit of concurrent lookups in the broker.',
  },
  PH_PULSAR_SERVER_ERROR: { kind: 'in-doubt', nextStep: "Read the broker's log for the message quoted." },
  PH_PULSAR_REFUSED: { kind: 'terminal', nextStep: 'Change what the broker objects to.' },
  PH_PULSAR_AUTHENTICATION: {
    kind: 'terminal',
    nextStep: 'Check PULSAR_TOKEN (or the client certificate): the broker does not accept it.',
  },
  PH_PULSAR_AUTHORIZATION: {
    kind: 'terminal',
    nextStep: 'Grant the role the consume permission on the topic and the subscription.',
  },
  PH_PULSAR_TOPIC_NOT_FOUND: {
    kind: 'terminal',
    nextStep:
      'Create the topic, or correct `topic` in pipeline.yml; partitions of it that are gone come back by `pulsar-admin topics create-missed-partitions`.',
  },
  PH_PULSAR_TOPIC_TERMINATED: {
    kind: 'terminal',
    nextStep: 'Nothing can be published to a terminated topic.',
  },
  PH_PULSAR_SUBSCRIPTION_MISSING: {
    kind: 'terminal',
    nextStep: 'Find out who deleted the subscription, or the topic; then `pulsehouse init` creates it again.',
  },
  PH_PULSAR_CONSUMER_BUSY: {
    kind: 'retryable',
    nextStep: 'Disconnect the other consumer of this subscription, or name another subscription.',
  },
  PH_PULSAR_CLIENT_MISSING: {
    kind: 'terminal',
    nextStep:
      'Run `npm rebuild pulsar-client --ignore-scripts=false` on a machine that reaches the internet, or leave PULSAR_TRANSPORT unset.',
  },
  PH_PULSAR_ADMIN_NEEDED: {
    kind: 'terminal',
    nextStep:
      'Set PULSAR_ADMIN_URL to the web address of the broker, or leave PULSAR_TRANSPORT unset: `wire` does without.',
  },
  PH_PULSAR_UNSUPPORTED: { kind: 'terminal', nextStep: 'Use a broker of Pulsar 2.10 or later.' },
  PH_PULSAR_MIGRATED: {
    kind: 'terminal',
    nextStep: 'Set the pipeline up anew on the other cluster: positions mean nothing there.',
  },
  PH_PULSAR_FRAME_TOO_LARGE: {
    kind: 'terminal',
    nextStep: 'Check that the URL names the binary port, and the maximum message size of the broker.',
  },
  PH_PULSAR_ENTRY_TOO_LARGE: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Raise source.maxEntryBytes, or publish smaller messages; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_MALFORMED: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Report it with the position: the bytes break the protocol. To give the entry up, set the offsets to its position.',
  },
  PH_PULSAR_CHECKSUM: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Check the bookies for disk faults: the stored bytes are not those that were published. To give the entry up, set the offsets to its position.',
  },
  PH_PULSAR_CODEC_UNKNOWN: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Publish with none, lz4, zlib, zstd or snappy; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_ENCRYPTED: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Publish without end-to-end encryption, or leave this topic out; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_CHUNKS_INCOMPLETE: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Set PULSAR_TRANSPORT=wire, or set the offsets past the unfinished message with `pulsehouse offsets set`, if it may be given up.',
  },
  PH_PULSAR_POSITION_UNKNOWN: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep: 'Find out whether the topic was deleted and created again, or belongs to another cluster.',
  },
  PH_PULSAR_ENTRIES_MISSING: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep: "Find out what removed them: retention, TTL, backlog eviction or somebody's reset.",
  },

  PH_SETTINGS_INVALID: {
    kind: 'terminal',
    nextStep: 'Set the named environment variables; `pulsehouse stack env` prints those of the local stack.',
  },

  PH_PULSAR_ADMIN_FAILED: {
    kind: 'retryable',
    nextStep: 'Set PULSAR_ADMIN_URL to the web address of the broker: what answers there is something else.',
  },
  PH_TOPIC_FORGETS: {
    kind: 'terminal',
    nextStep: 'Change the named policies, for the topic or its namespace; then run it again.',
  },
  PH_DDL_REFUSED: {
    kind: 'terminal',
    nextStep:
      'Correct the DDL as the server says; then run it again. What its earlier statements made is there.',
  },
  PH_TABLE_MISSING: { kind: 'terminal', nextStep: 'Create the table, or give its DDL; then run it again.' },
  PH_STATE_LOST: {
    kind: 'terminal',
    nextStep:
      'Run `pulsehouse restore`, which rebuilds the state from the newest snapshot; to begin anew take another pipeline name and an empty table.',
  },

  PH_STATE_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep:
      'Check that DynamoDB is reachable (AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, credentials); the next run goes on.',
  },
  PH_STATE_REFUSED: {
    kind: 'terminal',
    nextStep: 'Grant the right or mend the limit that DynamoDB names; then the next run goes on.',
  },
  PH_STATE_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`; if the state was lost, `pulsehouse restore`.',
  },
  PH_INVARIANT: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Keep the state as it is and run `pulsehouse audit`; this should never happen, so please report it.',
  },
  PH_STATE_CORRUPT: {
    kind: 'terminal',
    nextStep: 'Bring the item back from a backup, or rebuild the state with `pulsehouse restore`.',
  },
  PH_STATE_LAYOUT: {
    kind: 'terminal',
    nextStep:
      'Run the version of Pulsehouse that wrote it, or the one that its changelog names for the upgrade.',
  },
  PH_STATE_TABLE_FOREIGN: {
    kind: 'terminal',
    nextStep: 'Name another table in PULSEHOUSE_STATE_TABLE; `pulsehouse init` creates it.',
  },
  PH_OBJECTS_UNREACHABLE: {
    kind: 'in-doubt',
    nextStep:
      'Check that S3 is reachable (AWS_ENDPOINT_URL_S3, AWS_REGION, credentials); the next run goes on.',
  },
  PH_OBJECTS_REFUSED: {
    kind: 'terminal',
    nextStep: 'Grant the right or mend the limit that S3 names; then the next run goes on.',
  },
  PH_BUCKET_MISSING: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse init`, or name the right bucket in PULSEHOUSE_BUCKET.',
  },
  PH_FENCED: { kind: 'terminal', nextStep: 'Nothing: another invocation holds this partition now.' },
  PH_HALT_BAD_MESSAGE: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the producer or the mapping, or set deadLetters.enabled: true; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTER_RATIO: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Check the mapping against the data; if as many are right, raise deadLetters.maxRatio; then `pulsehouse resume`.',
  },
  PH_HALT_DEAD_LETTERS_LOST: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Bring the object back (the bucket is versioned), then `pulsehouse resume`.',
  },
  PH_HALT_REREAD_DIFFERS: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'See whether the topic was truncated, compacted or recreated; `pulsehouse audit` shows what the table holds.',
  },
  PH_HALT_STATE_BEHIND: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'The state is older than the table: `pulsehouse restore` rebuilds it from the newest snapshot and the rows.',
  },
  PH_HALT_TABLE_BEHIND: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Rows may be gone: `pulsehouse replay --mode verify` shows which, `--mode repair` brings them back; then `pulsehouse resume`.',
  },
  PH_STATE_BEHIND: {
    kind: 'terminal',
    nextStep:
      'The cycle item is older than the snapshots: `pulsehouse restore` rebuilds the state from the newest one.',
  },
  PH_HALT_ROWS_DOUBLED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'See who else writes to the table; `pulsehouse replay --mode verify` names the rows.',
  },
  PH_HALT_ROWS_SWALLOWED: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Look for rows deleted by a TTL, a mutation or a failing view of the table; then `pulsehouse resume`.',
  },
  PH_ROWS_HIDDEN: {
    kind: 'terminal',
    nextStep:
      'Let the user see every row of the table (a row policy hides some); `pulsehouse doctor` says which filter it is.',
  },
  PH_HALT_ROWS_HIDDEN: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Let the user see every row of the table (a row policy hides some); `pulsehouse doctor` says which filter it is. Then `pulsehouse resume`.',
  },
  PH_HALT_REFUSED: {
    kind: 'terminal',
    halts: true,
    nextStep: 'Mend the table, the mapping or the rights as the server says; then `pulsehouse resume`.',
  },
  PH_HALT_TOPIC_REPLACED: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Positions mean nothing on another topic: `pulsehouse pause`, then `pulsehouse offsets set --to earliest` begins anew on this one.',
  },
  PH_HALT_MARK_DELETE_AHEAD: {
    kind: 'terminal',
    halts: true,
    nextStep:
      'Find who acknowledged or expired messages of this subscription (TTL, backlog quota, a reset); then `pulsehouse resume`.',
  },
  PH_INSERT_UNANSWERED: {
    kind: 'in-doubt',
    nextStep:
      'Check that ClickHouse is reachable; the batch stays intended and the next invocation settles it.',
  },
  PH_SNAPSHOT_CORRUPT: {
    kind: 'terminal',
    nextStep:
      'Nothing at once: the next checkpoint begins the chain anew, and `pulsehouse restore` takes the newest snapshot that is whole.',
  },
  PH_SNAPSHOT_MISSING: {
    kind: 'terminal',
    nextStep: 'Bring the object back (the bucket is versioned); nothing is acknowledged until then.',
  },
  PH_TOPIC_CHANGED: {
    kind: 'terminal',
    nextStep:
      'Give a pipeline on another topic another name, or put the topic back. Nothing was read under the new one.',
  },
  PH_TOPIC_SHRUNK: {
    kind: 'terminal',
    nextStep:
      'A topic never loses partitions by itself: check the topic name and the cluster before anything else.',
  },
  PH_INSERT_LATE: {
    kind: 'in-doubt',
    nextStep:
      'Raise batch.insertTimeout if it happens often; nothing was stored by this send, the batch is settled.',
  },
  PH_INSERT_FAILED: {
    kind: 'in-doubt',
    nextStep: "Read the server's message; the batch is settled by asking the table for its rows.",
  },
  PH_INSERT_MISCOUNTED: {
    kind: 'in-doubt',
    nextStep:
      'Nothing: the batch is settled by counting its rows. Often: look for a payload made to mislead.',
  },
  PH_SEARCH_UNFINISHED: {
    kind: 'retryable',
    nextStep: 'Nothing: what was found is kept, and the next invocation goes on.',
  },
  PH_VALUE_REFUSED: {
    kind: 'terminal',
    nextStep: 'Mend the producer, or widen the source field or the column expression in pipeline.yml.',
  },
  PH_TABLE_MISMATCH: {
    kind: 'terminal',
    nextStep:
      'Bring pipeline.yml and the table together; `pulsehouse init` names what differs, `pulsehouse explain` the SQL.',
  },
  PH_TABLE_UNFIT: {
    kind: 'terminal',
    nextStep: 'Correct the mapping, run the SQL that stands with a finding, or name another table.',
  },
  PH_CLICKHOUSE_ACCESS: {
    kind: 'terminal',
    nextStep: 'Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD and grant the user what the server names.',
  },
  PH_CLICKHOUSE_BUSY: {
    kind: 'retryable',
    nextStep: 'Wait for the limit that the server names to pass; the next invocation goes on.',
  },
  PH_CLICKHOUSE_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check CLICKHOUSE_URL and that the server is up; the next invocation goes on.',
  },
  PH_CLICKHOUSE_FAILED: {
    kind: 'terminal',
    nextStep: "Read the server's message; `pulsehouse explain` shows the SQL.",
  },
  PH_OBJECT_CONFLICT: {
    kind: 'terminal',
    nextStep: 'Nobody else may write below this prefix of the bucket.',
  },
  PH_PULSAR_NO_ANSWER: { kind: 'retryable', nextStep: 'Check the broker; the next invocation goes on.' },
  PH_RANGE_INVALID: {
    kind: 'terminal',
    nextStep:
      'Give each end as a checkpoint number, ledger:entry, an ISO date or time, `origin` or `committed`, the lower one first.',
  },
  PH_NOT_PAUSED: {
    kind: 'terminal',
    nextStep: 'Run `pulsehouse pause` first, and `pulsehouse resume` afterwards.',
  },
  PH_REPLAY_BUSY: {
    kind: 'terminal',
    nextStep: 'Let the other replay end, or give it up with `pulsehouse replay --cancel <id>`.',
  },
  PH_REPLAY_NOT_FOUND: { kind: 'terminal', nextStep: '`pulsehouse status` lists the replays there are.' },
  PH_DEAD_LETTER_NOT_FOUND: {
    kind: 'terminal',
    nextStep: '`pulsehouse dead-letters list` shows those there are; a redrive may have made a row of it.',
  },
  PH_REPLAY_OUTDATED: {
    kind: 'terminal',
    nextStep:
      'Give it up with `pulsehouse replay --cancel <id>`, delete once more what it may have brought back, and begin anew.',
  },
  PH_RESET_REFUSED: {
    kind: 'terminal',
    nextStep: 'Choose a later position: what Pulsar has forgotten, or was told to, cannot be read again.',
  },
  PH_ROWS_NOT_REMOVED: {
    kind: 'terminal',
    nextStep: 'Give the same command once more; if it happens again, see who else writes to the table.',
  },
  PH_RESET_UNFINISHED: {
    kind: 'terminal',
    nextStep:
      'Give the same command once more: it goes on where it was cut off. Only then `pulsehouse resume`.',
  },
  PH_HALTED: {
    kind: 'terminal',
    nextStep: 'Read the halt reason with `pulsehouse status`, mend it, then `pulsehouse resume`.',
  },

  PH_EVENT_INVALID: {
    kind: 'terminal',
    nextStep: 'Send the event as docs/deploy.md shows it, for example {"pipeline":"iot"}.',
  },
  PH_INVOKE_FAILED: {
    kind: 'retryable',
    nextStep:
      'Nothing at once: the next cycle starts the consumer. If it goes on, read the cause in the log.',
  },

  PH_INVOKE_REFUSED: {
    kind: 'terminal',
    nextStep:
      'Grant the checkpoint function lambda:InvokeFunction on the function that is named, or deploy it.',
  },
  PH_SECRET_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check that the service that keeps the secret is reachable; the next run goes on.',
  },
  PH_SECRET_REFUSED: {
    kind: 'terminal',
    nextStep: 'Create the secret under the name that is given, or grant the role to read it.',
  },

  PH_STACK_PREREQUISITE: { kind: 'terminal', nextStep: 'Install what the local stack needs.' },
  PH_STACK_FETCH: {
    kind: 'terminal',
    nextStep:
      'Check the way to the package registries and run it again; what was half fetched is thrown away.',
  },
  PH_STACK_PORT_TAKEN: {
    kind: 'terminal',
    nextStep: 'End what listens there, or leave out --well-known-ports so that free ports are taken.',
  },
  PH_STACK_NOT_READY: { kind: 'terminal', nextStep: 'Read the log named above, then start it again.' },
  PH_STACK_UNSUPPORTED: {
    kind: 'terminal',
    nextStep: 'Bring that server yourself: pulsehouse stack up --help says how.',
  },
  PH_STACK_DOWN: { kind: 'terminal', nextStep: 'Start it with `pulsehouse stack up`.' },
} as const satisfies Record<`PH_${string}`, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
