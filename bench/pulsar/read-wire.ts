import { createWireTransport } from '../../lib/pulsar/wire/transport.ts';
import { readBacklog } from './read-backlog.ts';

await readBacklog(createWireTransport);
