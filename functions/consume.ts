import * as z from 'zod';
import { consume } from '../lib/consume/consume.ts';
import { functionHandler } from '../lib/lambda/handler.ts';
import { METRICS } from '../lib/lambda/metric-names.ts';
import { publishMetrics } from '../lib/lambda/metrics.ts';

export const handler = functionHandler({
  event: z.strictObject({ pipeline: z.string(), partition: z.int().nonnegative() }),
  ports: ['transport', 'sink', 'state', 'objects'],
  run: async (invocation, { partition }) => {
    const { pipeline, owner, deadline } = invocation;
    const until = pipeline.consume.mode === 'follow' ? 'deadline' : 'drained';
    const result = await consume(invocation, { partition, owner, deadline, until });
    const { outcome, batches, messages, rows, deadLetters } = result;
    const told = { partition, outcome, batches, messages, rows, deadLetters };
    invocation.log.info(`Partition ${partition}: ${outcome}, ${messages} messages, ${rows} rows`, told);
    publishMetrics(
      pipeline.name,
      {
        [METRICS.messages]: messages,
        [METRICS.rows]: rows,
        [METRICS.deadLetters]: deadLetters,
      },
      { partition: String(partition) },
    );
    return result;
  },
});
