import { createPulsarClientTransport } from '../../lib/pulsar/pulsar-client/transport.ts';
import { readBacklog } from './read-backlog.ts';

await readBacklog(createPulsarClientTransport);
