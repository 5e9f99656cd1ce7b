import * as z from 'zod';
import { functionHandler } from '../lib/lambda/handler.ts';
import { METRICS } from '../lib/lambda/metric-names.ts';
import { publishMetrics } from '../lib/lambda/metrics.ts';
import { scheduledAudit } from '../lib/replay/audit/scheduled-audit.ts';

/** Kept of the deadline for ending a comparison in order, milliseconds: what is left over, the next audit does. */
const CLOSING_TIME = 90_000;

/**
 * By its schedule `{ "pipeline": "iot" }`: compares what was committed since the last audit that was exact. By hand also
 * `"since": "origin"` for everything, or the number of a checkpoint.
 */
export const handler = functionHandler({
  event: z.strictObject({
    pipeline: z.string(),
    since: z.union([z.enum(['last', 'origin']), z.int().nonnegative()]).default('last'),
  }),
  ports: ['transport', 'sink', 'table', 'state', 'objects', 'replays'],
  run: async (invocation, { since }) => {
    const { deadline, pipeline } = invocation;
    const report = await scheduledAudit(invocation, {
      since: since === 'origin' ? undefined : since,
      deadline,
      closing: CLOSING_TIME,
    });
    const { missing, doubled, foreign, problems } = report;
    publishMetrics(pipeline.name, {
      [METRICS.auditFaults]: missing + doubled + foreign + problems.length,
      [METRICS.auditMissing]: missing,
      [METRICS.auditDoubled]: doubled,
      [METRICS.auditForeign]: foreign,
    });
    return report;
  },
});
