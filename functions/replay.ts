import pipelines from 'pulsehouse:pipelines';
import { withSecrets } from '../lib/lambda/secrets.ts';
import { publishMetrics } from '../lib/lambda/metrics.ts';
import { lambdaInvoker } from '../lib/lambda/invoker.ts';
import { s3ObjectStore } from '../lib/s3/object-store.ts';
import { dynamoStateStore } from '../lib/dynamodb/state-store.ts';
export const handler = async () => { console.log(pipelines, withSecrets, publishMetrics, lambdaInvoker, s3ObjectStore, dynamoStateStore); };
