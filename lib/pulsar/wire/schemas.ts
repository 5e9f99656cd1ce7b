import { retry } from '../../ports/retry.ts';
import { decodeGetSchemaResponse, encodeGetSchema, type TopicSchema } from './commands/schema.ts';
import { serverCodeOf, TOPIC_NOT_FOUND } from './errors.ts';
import type { ConnectionPool } from './net/pool.ts';
import type { WireOptions } from './options.ts';
import { isPassing } from './passing.ts';

/**
 * The schema of a topic by the version that an entry carries, or the newest one. Undefined when the topic has no schema,
 * or none of that version.
 */
export async function readSchema(
  { environment }: WireOptions,
  pool: ConnectionPool,
  topic: string,
  version: Uint8Array | undefined,
  deadline: number,
): Promise<TopicSchema | undefined> {
  return retry(environment, { deadline, retryIf: isPassing }, async () => {
    const connection = await pool.toService(deadline);
    try {
      const answer = await connection.request(
        'GET_SCHEMA',
        (requestId) => encodeGetSchema(topic, version, requestId),
        deadline,
      );
      return decodeGetSchemaResponse(answer.body);
    } catch (error) {
      // Brokers say so of a schema as of a topic.
      if (serverCodeOf(error) === TOPIC_NOT_FOUND) return undefined;
      throw error;
    }
  });
}
