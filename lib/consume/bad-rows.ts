import type { BadMessage, BatchBody } from '../ports/sink.ts';
import { ask, type ConsumeContext } from './context.ts';
import { assertTolerable } from './dead-letters.ts';

/**
 * Finds the rows of a refused body that cannot be stored, by sending parts of it through the mapping with nothing
 * written. The server names the first bad row where it can; where it cannot, the part is halved until one row is left.
 * Ends early, by halting, once there are more than the pipeline tolerates.
 */
export async function findBadRows(
  context: ConsumeContext,
  body: BatchBody,
  messages: number,
): Promise<readonly BadMessage[]> {
  const bad: BadMessage[] = [];
  const parts: [from: number, to: number][] = [[0, body.rows]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [from, to] = part;
    if (from >= to) continue;
    const result = await ask(context, (deadline) => context.sink.probe(body, from, to, deadline));
    if (result.ok) continue;
    const row = to - from === 1 ? from : result.badRow;
    if (row === undefined) {
      const middle = from + Math.floor((to - from) / 2);
      parts.push([middle, to], [from, middle]);
      continue;
    }
    bad.push({ ...body.messageAt(row), reason: result.error.message, payload: body.payloadAt(row) });
    assertTolerable(context, bad, messages);
    // Rows before the named one may be bad too where the server parses in parallel.
    parts.push([row + 1, to], [from, row]);
  }
  return bad;
}
