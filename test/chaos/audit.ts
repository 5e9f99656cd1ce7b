import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { audit } from '../../lib/replay/audit.ts';
import type { World } from './world.ts';

const WITHIN_MS = 60_000;

/** @throws Error with the report when the product's own audit does not find everything exact and drained. */
export async function auditExactly(world: World): Promise<void> {
  const around = { environment, log: createLog() };
  const connections = await connect(world.pipeline, readSettings(world.stack.environment), around);
  try {
    const dependencies = { ...connections, ...around, pipeline: world.pipeline };
    const report = await audit(dependencies, {}, { deadline: environment.now() + WITHIN_MS });
    if (!report.exact || !report.drained || report.messages !== world.published) {
      throw new Error(
        `${world.published} were published; the audit says ${JSON.stringify(report, undefined, 2)}`,
      );
    }
  } finally {
    await connections.close();
  }
}
