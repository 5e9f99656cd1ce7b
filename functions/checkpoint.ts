import * as z from 'zod';
import { runCycle } from '../lib/checkpoint/cycle.ts';
import { carryReplaysOn } from '../lib/lambda/carry-replays-on.ts';
import { functionHandler } from '../lib/lambda/handler.ts';
import { consumerInvoker, lambdaInvoker } from '../lib/lambda/invoker.ts';
import { reportHealth } from '../lib/lambda/report-health.ts';

/** Part of the deadline kept for measuring: alarms must ring above all when the cycle itself takes too long. */
const MEASURING_TIME = 15_000;

export const handler = functionHandler({
  event: z.strictObject({ pipeline: z.string() }),
  ports: ['transport', 'state', 'objects', 'replays'],
  run: async (invocation) => {
    const { environment, owner, deadline } = invocation;
    const until = deadline - MEASURING_TIME;
    const lambda = lambdaInvoker(environment);
    const invoker = consumerInvoker(lambda, process.env['PULSEHOUSE_CONSUME_FUNCTION'] ?? '');
    const replayFunction = process.env['PULSEHOUSE_REPLAY_FUNCTION'] ?? '';
    // Beside the cycle, which may wait for flushes or find another one under way.
    const replays = carryReplaysOn(invocation, lambda, replayFunction, until);
    try {
      return await runCycle({ ...invocation, invoker }, { owner, deadline: until });
    } finally {
      await replays;
      lambda.close();
      await reportHealth(invocation, deadline);
    }
  },
});
