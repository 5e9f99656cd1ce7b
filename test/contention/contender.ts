import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import { consume } from '../../lib/consume/consume.ts';
import { isPulsehouseError } from '../../lib/pipeline/errors.ts';
import { witnessed } from './witness.ts';

/*
 * One process among many: takes whatever partition it can get, works on it for a moment, and goes for the next. It is
 * stopped and continued from outside at any instant, and told to end by a message.
 */

/** Milliseconds: an invocation outlives most freezes, so that it comes back as a zombie that goes on writing. */
const LONGEST_INVOCATION = 20_000;
const LONGEST_PAUSE = 100;

const [file = '', count = '1'] = process.argv.slice(2);
const { pipelines } = await loadPipelines([file]);
const [pipeline] = pipelines;
if (!pipeline) throw new Error(`${file} holds no pipeline`);

const log = createLog();
const connections = await connect(pipeline, readSettings(process.env), { environment, log });
const stop = new AbortController();
process.once('message', () => stop.abort());
process.send?.('ready');

while (!stop.signal.aborted) {
  const owner = environment.uniqueId();
  const state = witnessed(
    connections.state,
    () => owner,
    (seen) => void process.send?.(seen),
  );
  const request = {
    owner,
    partition: Math.floor(environment.random() * Number(count)),
    deadline: environment.now() + Math.floor(environment.random() * LONGEST_INVOCATION),
    // Those that stay are frozen while they hold a lease; those that leave let others in.
    until: environment.random() < 0.7 ? 'deadline' : 'drained',
    stop: stop.signal,
  } as const;
  try {
    const { outcome, halt } = await consume({ ...connections, state, pipeline, environment, log }, request);
    if (outcome === 'halted')
      throw new Error(`partition ${request.partition} halted: ${JSON.stringify(halt)}`);
  } catch (error) {
    // What may pass passes, and being fenced is the point of it all; anything else ends the process and the test.
    if (!isPulsehouseError(error) || (error.kind === 'terminal' && error.code !== 'PH_FENCED')) throw error;
  }
  await environment.sleep(environment.random() * LONGEST_PAUSE, stop.signal);
}
await connections.close();
process.disconnect();
