import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { audit } from '../../lib/replay/audit/audit.ts';
import type { World } from './world.ts';

const WITHIN_MS = 60_000;

/** What an exact audit covered. */
export interface Audited {
  readonly checkpoint: number;
  readonly published: number;
}

/**
 * Compares everything, or what came after an earlier audit of a partition that was drained and checkpointed.
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
    const cycle = await connections.state.readCycle(world.pipeline.name, deadline);
    return { checkpoint: cycle?.latest ?? 0, published: world.published };
  } finally {
    await connections.close();
  }
}
