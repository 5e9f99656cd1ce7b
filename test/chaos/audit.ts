import { type Connections, connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { readSnapshot } from '../../lib/checkpoint/snapshots.ts';
import { audit } from '../../lib/replay/audit/audit.ts';
import type { World } from './world.ts';

const WITHIN_MS = 60_000;

/** A checkpoint below which everything was found exact, and how many messages that is. */
export interface Audited {
  readonly checkpoint: number;
  readonly published: number;
}

/**
 * Compares everything, or what came after an earlier audit's checkpoint.
 * @throws Error with the report when the product's own audit does not find everything exact and drained.
 */
export async function auditExactly(world: World, before?: Audited): Promise<Audited> {
  const around = { environment, log: createLog() };
  const connections = await connect(world.pipeline, readSettings(world.stack.environment), around);
  try {
    const dependencies = { ...connections, ...around, pipeline: world.pipeline };
    const deadline = environment.now() + WITHIN_MS;
    const report = await audit(dependencies, { since: before?.checkpoint }, { deadline });
    const published = world.published - (before?.published ?? 0);
    if (!report.exact || !report.drained || report.messages !== published) {
      throw new Error(`${published} were published; the audit says ${JSON.stringify(report, undefined, 2)}`);
    }
    return await coveredBy(connections, world.pipeline.name, deadline);
  } finally {
    await connections.close();
  }
}

/** The latest checkpoint may be one that a killed cycle began, before the last messages were published. */
async function coveredBy(
  { state, objects }: Pick<Connections, 'state' | 'objects'>,
  pipeline: string,
  deadline: number,
): Promise<Audited> {
  const { latest = 0 } = (await state.readCycle(pipeline, deadline)) ?? {};
  const { snapshot } = await readSnapshot(objects, pipeline, latest, deadline);
  const published = snapshot.partitions.reduce((sum, { totals }) => sum + totals.messages, 0);
  return { checkpoint: latest, published };
}
