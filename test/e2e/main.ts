import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { barProgress, plainProgress } from '../../infra/local/progress.ts';
import { startStack } from '../../infra/local/stack.ts';
import { startCloud } from './cloud.ts';
import { prepareDeployment } from './deployment.ts';
import { Scenario } from './scenario.ts';

/** `npm run e2e`: the deployment's whole life, sandboxes that hang and crash included. Exit 0 only when the audit is exact. */
const MESSAGES = 100_000;

const tell = (line: string) => void process.stdout.write(`${line}\n`);
const progress = process.stderr.isTTY
  ? barProgress(process.stderr)
  : plainProgress((line) => void process.stderr.write(`${line}\n`));

const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-e2e-'));
const servers = await startStack({
  directory: join(directory, 'servers'),
  servers: ['pulsar', 'clickhouse'],
  pulsar: { quickStart: true },
  progress,
  ephemeral: true,
});
const cloud = await startCloud(directory);
try {
  const database = 'e2e';
  const { environment } = servers;
  await fetch(environment['CLICKHOUSE_URL'] ?? '', {
    method: 'POST',
    headers: {
      'x-clickhouse-user': environment['CLICKHOUSE_USER'] ?? '',
      'x-clickhouse-key': environment['CLICKHOUSE_PASSWORD'] ?? '',
    },
    body: `CREATE DATABASE ${database}`,
  });
  const place = { environment, topic: 'persistent://public/default/e2e', database };
  const deployment = await prepareDeployment(cloud, place, join(directory, 'project'));
  const scenario = new Scenario(cloud, place, deployment, tell);

  await scenario.deploy();
  await scenario.publish(MESSAGES);
  await scenario.untilDelivered();

  await scenario.timeOut();
  await scenario.publish(MESSAGES);
  await scenario.untilDelivered();

  await scenario.crash();
  await scenario.publish(MESSAGES);
  await scenario.untilDelivered();

  const lost = await scenario.lose();
  const { report: spoiled } = await scenario.auditDeployed();
  const { status } = (await scenario.repairByCyclesAlone()) ?? {};
  await scenario.snapshots();
  const report = await scenario.audit();
  const { report: deployed } = await scenario.auditDeployed();
  await scenario.untilAuditedBySchedule();
  tell(`replay: ${JSON.stringify(await deployment.invoke('replay', { pipeline: 'e2e' })).slice(0, 400)}`);
  await deployment.invoke('status', { pipeline: 'e2e' });
  tell('status: answered');
  await deployment.remove();
  tell('serverless remove: done; state table and bucket stay');
  const audited = spoiled.missing === lost && deployed.exact && report.exact;
  const passed = audited && status === 'complete';
  tell(passed ? 'e2e passed' : 'e2e failed: an audit is not as it must be, or the replay not complete');
  process.exitCode = passed ? 0 : 1;
} finally {
  await cloud.stop();
  await servers.stop();
  await rm(directory, { recursive: true, force: true });
}
