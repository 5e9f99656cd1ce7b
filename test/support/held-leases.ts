import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import { silentLog, useCredentialsOf } from './events-pipeline.ts';
import type { Place } from './place.ts';

/**
 * Takes the leases of partition 0 and of the cycle, for so many milliseconds, under the name of somebody who does nothing
 * with them.
 */
export async function leaveHeld(place: Place, file: string, owner: string, lease: number): Promise<void> {
  useCredentialsOf(place);
  const { pipelines } = await loadPipelines([file]);
  const [pipeline] = pipelines;
  if (!pipeline) throw new Error('the pipeline file holds none');
  const ports = await connect(pipeline, readSettings(place.environment), { environment, log: silentLog });
  try {
    const now = environment.now();
    const claim = () => ({ owner, writeId: environment.uniqueId(), now, leaseUntil: now + lease });
    const taken = [
      await ports.state.takePartition(pipeline.name, 0, claim(), now + 10_000),
      await ports.state.takeCycle(pipeline.name, claim(), now + 10_000),
    ];
    if (!taken.every(({ taken }) => taken)) throw new Error('somebody holds the leases');
  } finally {
    await ports.close();
  }
}
