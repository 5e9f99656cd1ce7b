import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { runCycle } from '../../lib/checkpoint/cycle.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import { consume } from '../../lib/consume/consume.ts';
import { withRotatedSecrets } from '../../lib/lambda/rotated-secrets.ts';
import { withSecrets } from '../../lib/lambda/secrets.ts';
import { isPulsehouseError } from '../../lib/pipeline/errors.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import type { ConsumerInvoker } from '../../lib/ports/invoker.ts';
import { objectPoints, type Point, type Reach, sinkPoints, statePoints, transportPoints } from './points.ts';

/**
 * A function as a process of its own: `consume <partition>` or `checkpoint`, over the same code as everywhere. Held at
 * the point CHAOS_POINT the first time it is reached, until told to go on; what a fault does to it there is real.
 */
const INVOCATION = 90_000;
const PAUSE = 100;

const [what, partition] = process.argv.slice(2);
const held = process.env['CHAOS_POINT'] as Point | undefined;
const environment = systemEnvironment;
const log = createLog();

let reached = false;
const reach: Reach = async (point) => {
  if (reached || point !== held) return;
  reached = true;
  process.send?.({ reached: point });
  await new Promise((resolve) => process.once('message', resolve));
};

const loaded = await loadPipelines([process.env['CHAOS_PIPELINE'] ?? 'pipeline.yml']);
const [pipeline] = loaded.pipelines;
if (!pipeline) throw new Error('no pipeline is configured');

/** Consumers run beside the cycle, as processes of their own. */
const invoker: ConsumerInvoker = { invoke: async () => undefined };

/** One invocation: as in Lambda, connections and the secrets behind them are its own. */
async function invoke(of: Pipeline, freshSecrets: boolean): Promise<string> {
  const settings = readSettings(await withSecrets(process.env, freshSecrets));
  const connections = await connect(of, settings, { environment, log });
  const dependencies = {
    transport: transportPoints(connections.transport, reach),
    sink: sinkPoints(connections.sink, reach),
    state: statePoints(connections.state, reach),
    objects: objectPoints(connections.objects, reach),
    ...{ pipeline: of, environment, log },
  };
  const request = { owner: environment.uniqueId(), deadline: environment.now() + INVOCATION };
  try {
    const { outcome } =
      what === 'consume'
        ? await consume(dependencies, { ...request, partition: Number(partition), until: 'drained' })
        : await runCycle({ ...dependencies, invoker }, request);
    return outcome;
  } finally {
    await connections.close();
  }
}

/** Tries again as a schedule would, until the work is done. A zombie ends by itself: it is fenced. */
for (;;) {
  try {
    const outcome = await withRotatedSecrets(log, (fresh) => invoke(pipeline, fresh));
    if (outcome === 'halted') throw new Error('the partition halted');
    if (outcome !== 'busy' && !(outcome === 'fenced' && !reached)) break;
  } catch (error) {
    if (!isPulsehouseError(error) || error.kind === 'terminal') throw error;
    log.warn(error.message, { code: error.code });
  }
  await environment.sleep(PAUSE);
}
process.disconnect();
