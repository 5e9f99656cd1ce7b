import { describe } from 'vitest';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { messageOf } from '../../../lib/pipeline/errors.ts';
import { loadBinding } from '../../../lib/pulsar/pulsar-client/binding.ts';
import { createPulsarClientTransport } from '../../../lib/pulsar/pulsar-client/transport.ts';
import { lifecycleContract } from './lifecycle.ts';
import { partitionsContract } from './partitions.ts';
import { readingContract } from './reading.ts';
import { restartContract } from './restart.ts';
import { subscriptionContract } from './subscription.ts';
import { quiet, type TransportUnderTest } from './transport-under-test.ts';

const subject: TransportUnderTest = {
  name: 'pulsar-client',
  nullValue: '',
  open: (addresses) =>
    createPulsarClientTransport({ ...addresses, environment: systemEnvironment, log: quiet }),
};

const absent = await loadBinding(quiet).then(() => undefined, messageOf);
if (absent !== undefined) process.stderr.write(`Skipped, the contract of pulsar-client: ${absent}\n`);

describe.skipIf(absent !== undefined)(`the official client${absent ? `, skipped: ${absent}` : ''}`, () => {
  readingContract(subject);
  subscriptionContract(subject);
  partitionsContract(subject);
  lifecycleContract(subject);
  restartContract(subject);
});
