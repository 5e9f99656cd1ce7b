/** The function `consume` as it is deployed, invoked once in a process of its own. Arguments: pipeline, partition. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { handler } from '../../functions/consume.ts';

const INVOCATION = 15 * 60_000;

const [pipeline = '', partition = ''] = process.argv.slice(2);
const end = Date.now() + INVOCATION;
const context: Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'> = {
  awsRequestId: randomUUID(),
  getRemainingTimeInMillis: () => end - Date.now(),
};
const { outcome } = await handler({ pipeline, partition: Number(partition) }, context as Context);
if (outcome !== 'drained') throw new Error(`partition ${partition} of ${pipeline} ended ${outcome}`);
