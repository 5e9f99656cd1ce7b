import * as z from 'zod';
import { functionHandler } from '../lib/lambda/handler.ts';
import { parseBound } from '../lib/replay/bound.ts';
import { planReplay } from '../lib/replay/plan.ts';
import { advanceReplay, findReplay, startReplay } from '../lib/replay/replay.ts';

/** Time left for a replay's last batch to be settled and written down, milliseconds. */
const CLOSING_TIME = 20_000;

/**
 * By hand: `{ "pipeline": "iot" }` compares everything committed with the table; `mode`, `from`, `to`, `partitions` and
 * `table` are those of `pulsehouse replay`, and only `"yes": true` lets it write. A replay that runs out of time answers
 * `"done": false` with its id; `{ "pipeline": "iot", "continue": id }` goes on.
 */
export const handler = functionHandler({
  event: z.strictObject({
    pipeline: z.string(),
    mode: z.enum(['verify', 'repair', 'replace', 'redrive', 'into']).default('verify'),
    from: z.string().default('origin'),
    to: z.string().default('committed'),
    partitions: z.array(z.int().nonnegative()).optional(),
    table: z.strictObject({ database: z.string(), table: z.string() }).optional(),
    yes: z.boolean().default(false),
    continue: z.string().optional(),
  }),
  ports: ['transport', 'sink', 'table', 'state', 'objects', 'replays'],
  run: async (invocation, event) => {
    const { pipeline, owner } = invocation;
    const deadline = invocation.deadline - CLOSING_TIME;
    const continued =
      event.continue === undefined ? undefined : await findReplay(invocation, event.continue, deadline);
    const wanted = continued?.target ?? event.table ?? pipeline.target;
    const target = await invocation.openTarget(wanted);
    try {
      if (continued) return await advanceReplay(invocation, continued, target, { owner, deadline });
      const { mode, partitions } = event;
      const range = { from: parseBound(event.from), to: parseBound(event.to) };
      const plan = await planReplay(invocation, { mode, ...range, partitions, target: wanted }, target, {
        deadline,
      });
      if (!event.yes || mode === 'verify') return { dryRun: true, ...plan };
      const record = await startReplay(invocation, plan, `invocation ${owner}`, deadline);
      return await advanceReplay(invocation, record, target, { owner, deadline });
    } finally {
      await target.close();
    }
  },
});
