import * as z from 'zod';
import { runCycle } from '../lib/checkpoint/cycle.ts';
import { functionHandler } from '../lib/lambda/handler.ts';
import { lambdaInvoker } from '../lib/lambda/invoker.ts';
import { reportHealth } from '../lib/lambda/report-health.ts';

/** Part of the deadline kept for measuring: alarms must ring above all when the cycle itself takes too long. */
const MEASURING_TIME = 15_000;

export const handler = functionHandler({
  event: z.strictObject({ pipeline: z.string() }),
  ports: ['transport', 'state', 'objects'],
  run: async (invocation) => {
    const { environment, owner, deadline } = invocation;
    const invoker = lambdaInvoker(process.env['PULSEHOUSE_CONSUME_FUNCTION'] ?? '', environment);
    try {
      return await runCycle({ ...invocation, invoker }, { owner, deadline: deadline - MEASURING_TIME });
    } finally {
      invoker.close();
      await reportHealth(invocation, deadline);
    }
  },
});
