import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { consume } from '../../../lib/consume/consume.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import type { ReplayRecord } from '../../../lib/pipeline/replay.ts';
import { type PlanDependencies, planReplay, type ReplayRequest } from '../../../lib/replay/replay/plan.ts';
import { advanceReplay, type ReplayProgress, startReplay } from '../../../lib/replay/replay/replay.ts';
import { openEventsPipeline, silentLog } from '../../support/events-pipeline.ts';
import type { Place } from '../../support/place.ts';

const TIME = 90_000;

export const soon = () => environment.now() + TIME;
export const byHand = () => ({ by: 'a test', owner: environment.uniqueId(), deadline: soon() });

/** A pipeline of events whose rows a test may spoil and put right. */
export async function openSubject(place: Place, partitions = 1) {
  const events = await openEventsPipeline(place, partitions);
  const { pipeline, ports } = events;
  const dependencies: PlanDependencies = { ...ports, pipeline, environment, log: silentLog };
  const table = `${pipeline.target.database}.${pipeline.target.table}`;
  const count = async (where: string) =>
    Number(await place.query(`SELECT count() FROM ${table} WHERE ${where} FORMAT TSV`));
  return {
    ...events,
    dependencies,
    table,
    count,
    consumeAll: async () => {
      for (let partition = 0; partition < partitions; partition += 1) await events.consume(partition);
    },
    /** Deletes rows behind the system's back; answers how many. */
    lose: async (where: string) => {
      const rows = await count(where);
      await place.query(`ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`);
      return rows;
    },
    double: (where: string) =>
      place.query(
        `INSERT INTO ${table} SELECT * FROM ${table} WHERE ${where} SETTINGS insert_deduplicate = 0`,
      ),
    plan: (request: Partial<ReplayRequest> = {}, target = dependencies) =>
      planReplay(dependencies, requestOf(pipeline, request), target, { deadline: soon() }),
    replay: async (request: Partial<ReplayRequest>, target = dependencies): Promise<ReplayProgress> => {
      const asked = requestOf(pipeline, request);
      const plan = await planReplay(dependencies, asked, target, { deadline: soon() });
      const record = await startReplay(dependencies, plan, 'a test', soon());
      return untilDone(dependencies, record, target);
    },
  };
}

export type Subject = Awaited<ReturnType<typeof openSubject>>;

export function requestOf(pipeline: Pipeline, request: Partial<ReplayRequest>): ReplayRequest {
  return {
    mode: 'verify',
    from: { kind: 'origin' },
    to: { kind: 'committed' },
    target: pipeline.target,
    ...request,
  };
}

/** Again and again, as a schedule would, until it is done or halts. */
export async function untilDone(
  dependencies: PlanDependencies,
  record: ReplayRecord,
  target: Pick<PlanDependencies, 'sink' | 'table'> = dependencies,
): Promise<ReplayProgress> {
  for (;;) {
    const run = { owner: environment.uniqueId(), deadline: soon() };
    const progress = await advanceReplay(dependencies, record, target, run);
    if (progress.done || progress.partitions.some(({ halt }) => halt)) return progress;
    await environment.sleep(200);
  }
}

/** The same pipeline with other values, on ports of its own. */
export async function connectAs(
  place: Place,
  pipeline: Pipeline,
): Promise<PlanDependencies & { close(): Promise<void> }> {
  const around = { environment, log: silentLog };
  const ports = await connect(pipeline, readSettings(place.environment), around);
  return { ...ports, ...around, pipeline };
}

export function consumeWith(dependencies: PlanDependencies, partition = 0) {
  return consume(dependencies, {
    partition,
    owner: environment.uniqueId(),
    deadline: soon(),
    until: 'drained',
  });
}
