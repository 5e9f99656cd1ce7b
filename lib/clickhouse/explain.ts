import { INSERT_SETTINGS } from './insert-settings.ts';
import { insertStatement, type Mapping, mappingHash } from './statement.ts';

export interface InsertExplanation {
  /** The statement exactly as it is sent; `{name:Type}` is filled in by the server from a parameter. */
  readonly sql: string;
  /** Hash of the statement, as intents and batch records carry it. */
  readonly mapping: string;
  /** Sent with every insert, whatever the user's profile says. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** What differs from send to send, and where each value comes from. */
  readonly perSend: Readonly<Record<string, string>>;
}

/** The exact SQL and settings of a pipeline's inserts, for people. */
export function explainInsert(mapping: Mapping): InsertExplanation {
  return {
    sql: insertStatement(mapping),
    mapping: mappingHash(mapping),
    settings: INSERT_SETTINGS,
    perSend: {
      param_partition: 'number of the Pulsar partition',
      param_notAfter: 'seconds since the epoch: from then on the statement stores nothing',
      insert_deduplication_token: 'pipeline/partition/generation/after-to#attempt',
      query_id: 'pipeline/partition/generation/after-to@ and an id unique to the send',
      max_execution_time: 'seconds left of batch.insertTimeout',
    },
  };
}
