import * as z from 'zod';
import { withCallDeadlines } from '../lib/assembly/call-deadlines.ts';
import { functionHandler } from '../lib/lambda/handler.ts';
import { parseBound } from '../lib/replay/replay/bound.ts';
import { resumeReplay } from '../lib/replay/replay/halts.ts';
import { planReplay } from '../lib/replay/replay/plan.ts';
import { advanceReplay, findReplay, type ReplayProgress, startReplay } from '../lib/replay/replay/replay.ts';

/** Time left for a replay's last batch to be settled and written down, milliseconds. */
const CLOSING_TIME = 20_000;

/**
 * By hand: `{ "pipeline": "iot" }` compares everything committed with the table; `mode`, `from`, `to`, `partitions` and
 * `table` are those of `pulsehouse replay`, and only `"yes": true` lets it write. What runs out of time answers
 * `"done": false` and is carried on by the schedule, which calls it with `continue` and one `partition`; `"detach": true`
 * leaves all of it to the schedule. By hand `{ "pipeline": "iot", "continue": id }` also lets halted partitions go on.
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
    detach: z.boolean().default(false),
    continue: z.string().optional(),
    partition: z.int().nonnegative().optional(),
  }),
  ports: ['transport', 'sink', 'table', 'state', 'objects', 'replays'],
  run: async (given, event) => {
    const invocation = withCallDeadlines(given, given.environment);
    const { pipeline, owner, log, environment } = invocation;
    const deadline = invocation.deadline - CLOSING_TIME;
    const continued =
      event.continue === undefined ? undefined : await findReplay(invocation, event.continue, deadline);
    const wanted = continued?.target ?? event.table ?? pipeline.target;
    const target = withCallDeadlines(await invocation.openTarget(wanted), environment);
    const by = `invocation ${owner}`;
    try {
      if (continued && event.partition !== undefined) {
        const partitions = [event.partition];
        const progress = await advanceReplay(invocation, continued, target, { owner, deadline, partitions });
        for (const { partition, outcome, messages, rows } of progress.partitions) {
          const told = { replay: continued.id, partition, outcome, messages, rows };
          log.info(`Replay ${continued.id}, partition ${partition}: ${outcome}, ${messages} messages`, told);
        }
        return progress;
      }
      if (continued) {
        await resumeReplay(invocation, continued, { by, deadline });
        return told(await advanceReplay(invocation, continued, target, { owner, deadline }));
      }
      const { mode, partitions } = event;
      const range = { from: parseBound(event.from), to: parseBound(event.to) };
      const plan = await planReplay(invocation, { mode, ...range, partitions, target: wanted }, target, {
        deadline,
      });
      if (!event.yes || mode === 'verify') return { dryRun: true, ...plan };
      const record = await startReplay(invocation, plan, by, deadline);
      if (event.detach) return told({ record, done: false, partitions: [] });
      return told(await advanceReplay(invocation, record, target, { owner, deadline }));
    } finally {
      await target.close();
    }
  },
});

function told(progress: ReplayProgress): ReplayProgress & { readonly next?: string } {
  if (progress.done) return progress;
  return {
    ...progress,
    next: 'The schedule carries it on, all but halted partitions; the status shows how far it is.',
  };
}
