import * as z from 'zod';
import { functionHandler } from '../lib/lambda/handler.ts';
import { readStatus } from '../lib/replay/status.ts';

export const handler = functionHandler({
  event: z.strictObject({ pipeline: z.string() }),
  ports: ['transport', 'state', 'replays', 'objects'],
  run: (invocation) => readStatus(invocation, invocation.deadline),
});
