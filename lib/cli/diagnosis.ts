import { openAdmin, openServer } from '../assembly/servers.ts';
import { listSnapshots } from '../checkpoint/snapshots.ts';
import { checkSettings } from '../clickhouse/accepted-settings.ts';
import { missingGrants } from '../clickhouse/grants.ts';
import { checkPassedAnswers } from '../clickhouse/passed-answers.ts';
import { Questions } from '../clickhouse/questions.ts';
import type { TableFinding } from '../clickhouse/table-check.ts';
import { describeTable } from '../clickhouse/table-description.ts';
import { checkTarget } from '../clickhouse/target-check.ts';
import { checkPolicies } from '../initialise/policies.ts';
import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import { assertOwnTopic } from '../pipeline/own-topic.ts';
import type { PartitionState } from '../pipeline/partition-state.ts';
import { makesNoProgress } from '../pipeline/progress.ts';
import { instant, plural } from './format.ts';
import type { Session } from './session.ts';
import { diagnoseSubscriptions } from './subscription-diagnosis.ts';

export interface Diagnosis {
  readonly check: string;
  readonly verdict: 'good' | 'mind' | 'wrong';
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string | undefined;
}

type Diagnosed = Pick<
  Session,
  'transport' | 'sink' | 'state' | 'objects' | 'pipeline' | 'settings' | 'environment' | 'log' | 'answers'
>;
type Check = (session: Diagnosed, deadline: number) => Promise<readonly Omit<Diagnosis, 'check'>[]>;

const CHECK_TIME = 15_000;
/** A batch says until when it may be stored by the server's clock; beyond this much, leases and times are misread. */
const CLOCK_TOLERANCE = 1_000;
const OLDEST_NODE = [20, 19] as const;

/** Every check, one after the other; one that fails says so and the others go on. Who is silent is found out at once. */
export async function diagnose(
  session: Diagnosed,
  onDiagnosis: (diagnosis: Diagnosis) => void,
): Promise<readonly Diagnosis[]> {
  const found: Diagnosis[] = [];
  void session.answers.all().catch(() => undefined);
  for (const [check, run] of Object.entries(CHECKS)) {
    for (const diagnosis of await safely(run, session)) {
      found.push({ check, ...diagnosis });
      onDiagnosis({ check, ...diagnosis });
    }
  }
  return found;
}

async function safely(run: Check, session: Diagnosed): Promise<readonly Omit<Diagnosis, 'check'>[]> {
  try {
    return await run(session, session.environment.now() + CHECK_TIME);
  } catch (error) {
    const fix = isPulsehouseError(error) ? error.nextStep : undefined;
    return [{ verdict: 'wrong', message: messageOf(error), fix }];
  }
}

const node: Check = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return [
    old
      ? {
          verdict: 'wrong',
          message: `Node ${process.versions.node}`,
          fix: `Install Node ${OLDEST_NODE.join('.')} or later.`,
        }
      : { verdict: 'good', message: `Node ${process.versions.node}` },
  ];
};

const pulsar: Check = async ({ transport, pipeline, settings }, deadline) => {
  const topics = await transport.partitions(pipeline.topic, deadline);
  await Promise.all(topics.slice(0, 8).map((topic) => transport.lastPosition(topic, deadline)));
  return [
    {
      verdict: 'good',
      message: `${settings.pulsar.serviceUrl}, ${topics.length} partition(s), ${settings.pulsar.transport}`,
    },
  ];
};

const policies: Check = async ({ pipeline, settings, environment, log, answers }) => {
  await answers.of('the admin API');
  const found: Omit<Diagnosis, 'check'>[] = [];
  const admin = await openAdmin(settings, { environment, log });
  await checkPolicies(pipeline, admin, ({ outcome, message, remedy }) => {
    found.push({ verdict: outcome === 'found' ? 'good' : 'mind', message, fix: remedy });
  });
  return found;
};

const clickhouse: Check = async ({ settings, environment, pipeline, answers }, deadline) => {
  await answers.of('ClickHouse');
  const server = await openServer(settings, pipeline);
  try {
    const questions = new Questions(server, pipeline.target, () => environment.now());
    const { version } = await questions.askOne<{ version: string }>(
      'SELECT version() AS version',
      {},
      deadline,
    );
    const forbidden = await checkSettings(questions, pipeline, deadline);
    if (forbidden.some(({ severity }) => severity === 'error')) return forbidden.map(diagnosisOf);
    const table = await describeTable(questions, pipeline.target, deadline);
    const name = `${pipeline.target.database}.${pipeline.target.table}`;
    if (!table) {
      return [{ verdict: 'wrong', message: `${version}, no table ${name}`, fix: 'Run `pulsehouse init`.' }];
    }
    const found = [
      ...forbidden,
      ...(await missingGrants(questions, pipeline, deadline)),
      ...(await checkTarget(questions, table, pipeline, deadline)),
    ];
    return [{ verdict: 'good', message: `${version}, ${name}, ${table.engine}` }, ...found.map(diagnosisOf)];
  } finally {
    await server.close();
  }
};

function diagnosisOf({ severity, message, sql }: TableFinding): Omit<Diagnosis, 'check'> {
  return { verdict: severity === 'error' ? 'wrong' : 'mind', message, fix: sql };
}

const clocks: Check = async ({ sink, environment }, deadline) => {
  const asked = environment.now();
  const server = await sink.serverNow(deadline);
  const answered = environment.now();
  const off = Math.abs(server - (asked + answered) / 2);
  const message = `ClickHouse's clock and this one differ by ${Math.round(off)} ms`;
  return [
    off - (answered - asked) / 2 > CLOCK_TOLERANCE
      ? {
          verdict: 'wrong',
          message,
          fix: 'Synchronise both with NTP: an insert says until when it may be stored.',
        }
      : { verdict: 'good', message },
  ];
};

const state: Check = async (session, deadline) => {
  const { state: store, pipeline, settings } = session;
  const cycle = await store.readCycle(pipeline.name, deadline);
  if (!cycle) {
    const message = `${settings.dynamodb.table}: the pipeline has no state`;
    return [
      { verdict: 'mind', message, fix: 'Run `pulsehouse init`, or `pulsehouse restore` if it was lost.' },
    ];
  }
  const { states, unreadable } = await store.readEachPartition(pipeline.name, cycle.partitions, deadline);
  assertOwnTopic(pipeline, states);
  const halted = states.filter((found) => found.halted);
  return [
    {
      verdict: states.length === cycle.partitions ? 'good' : 'wrong',
      message: `${settings.dynamodb.table}: ${states.length} of ${cycle.partitions} partitions, checkpoint ${cycle.latest}${cycle.paused ? ', paused' : ''}`,
    },
    ...unreadable.map(({ error: { message, nextStep } }) => ({
      verdict: 'wrong' as const,
      message,
      fix: nextStep,
    })),
    ...halted.map(({ partition, halted: halt }) => ({
      verdict: 'wrong' as const,
      message: `partition ${partition} is halted: ${halt?.reason}`,
      fix: halt?.nextStep,
    })),
    ...(await failing(session, states, deadline)),
    ...lackingViews(states),
  ];
};

/** Tries that fail one after the other are a fault once there is something to store and nothing of it is. */
async function failing(
  { transport }: Diagnosed,
  states: readonly PartitionState[],
  deadline: number,
): Promise<readonly Omit<Diagnosis, 'check'>[]> {
  const found: Omit<Diagnosis, 'check'>[] = [];
  for (const state of states) {
    const { partition, halted, failedTries } = state;
    if (halted || !failedTries) continue;
    const stuck = makesNoProgress(state, await transport.lastPosition(state.topic, deadline));
    const { count, since, message, nextStep } = failedTries;
    const tries = `${plural(count, 'failed try', 'failed tries')} since ${instant(since)}`;
    found.push({
      verdict: stuck ? 'wrong' : 'mind',
      message: `partition ${partition}${stuck ? ' makes no progress' : ''}: ${tries}, the last: ${message}`,
      fix: nextStep,
    });
  }
  return found;
}

function lackingViews(states: readonly PartitionState[]): readonly Omit<Diagnosis, 'check'>[] {
  const gaps = states.flatMap(({ viewGaps }) => viewGaps ?? []);
  if (gaps.length === 0) return [];
  const rows = gaps.reduce((sum, gap) => sum + gap.rows, 0);
  const message = `views of the table lack, or may lack, ${plural(rows, 'row')} of it`;
  return [{ verdict: 'mind', message, fix: 'Mend the view; then `pulsehouse views refill`.' }];
}

const bucket: Check = async ({ objects, pipeline, settings }, deadline) => {
  const numbers = await listSnapshots(objects, pipeline.name, deadline);
  return [{ verdict: 'good', message: `${settings.s3.bucket}: ${numbers.length} snapshots` }];
};

/** What stands between here and ClickHouse. */
const passed: Check = async ({ settings, pipeline, environment, answers }, deadline) => {
  const server = await openServer(settings, pipeline);
  try {
    await answers.of('ClickHouse');
    const found = await checkPassedAnswers(server, deadline - environment.now());
    if (found.length > 0) return found.map(diagnosisOf);
    return [{ verdict: 'good', message: 'the answers of ClickHouse arrive as they are' }];
  } catch {
    // A server that cannot be asked at all is what the check before tells of.
    return [];
  } finally {
    await server.close();
  }
};

const CHECKS: Readonly<Record<string, Check>> = {
  ...{ node, pulsar, policies, clickhouse, answers: passed, clocks },
  ...{ state, subscription: diagnoseSubscriptions, bucket },
};
