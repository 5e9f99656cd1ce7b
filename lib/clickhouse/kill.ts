import type { Questions } from './questions.ts';

/**
 * Ends every running query whose id begins so and waits until each has ended. An insert still travelling, or one of which
 * the server has less than its first buffer, is no query yet and is not seen: that is what `notAfter` is for.
 */
export async function killQueries(questions: Questions, prefix: string, deadline: number): Promise<void> {
  await questions.tell('KILL QUERY WHERE startsWith(query_id, {prefix:String}) SYNC', { prefix }, deadline);
}
