import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { expect } from 'vitest';
import type { PipelineStatus } from '../../lib/replay/status.ts';
import { test } from '../support/place.ts';
import { startCloud } from './cloud.ts';
import { prepareDeployment } from './deployment.ts';
import { Scenario } from './scenario.ts';

const PATIENCE = 900_000;

/**
 * The short form of `npm run e2e`, which adds sandboxes that hang and crash. The emulator vouches for templates, roles
 * (enforced here), TLS, events and schedules; not for quotas, alarms, X-Ray, arm64, freezing, or retries of Lambda's own.
 */
test(
  'deployed with serverless, the schedule alone brings everything into ClickHouse',
  async ({ place }) => {
    const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-e2e-'));
    const cloud = await startCloud(directory);
    try {
      const servers = {
        environment: place.environment,
        topic: place.topic('events'),
        database: place.database,
      };
      const deployment = await prepareDeployment(cloud, servers, join(directory, 'project'));
      const scenario = new Scenario(
        cloud,
        servers,
        deployment,
        (line) => void process.stdout.write(`e2e: ${line}\n`),
      );
      await scenario.deploy();
      await scenario.publish(10_000);
      await scenario.untilDelivered();
      expect((await scenario.snapshots()).length).toBeGreaterThan(0);
      expect(await scenario.audit()).toMatchObject({ exact: true, rows: 10_000, missing: 0, doubled: 0 });

      const missing = await scenario.lose();
      expect(await scenario.auditDeployed()).toMatchObject({
        report: { exact: false, complete: true, rows: 10_000 - missing, missing },
        metric: { service: deployment.stack, pipeline: 'e2e', AuditFaults: missing, AuditMissing: missing },
      });
      const repaired = await scenario.repairByCyclesAlone();
      expect(repaired).toMatchObject({ status: 'complete', partitions: 4, partitionsDone: 4, halted: [] });
      expect(await scenario.auditDeployed()).toMatchObject({
        report: { exact: true, rows: 10_000, messages: 10_000, missing: 0, doubled: 0 },
        metric: undefined,
      });
      await scenario.untilAuditedBySchedule();

      const status = await deployment.invoke<PipelineStatus>('status', { pipeline: 'e2e' });
      expect(status.partitions.every(({ drained }) => drained)).toBe(true);
      const replay = await deployment.invoke('replay', { pipeline: 'e2e' });
      expect(replay).toMatchObject({ dryRun: true, messages: 10_000, missing: 0, doubled: 0 });

      await deployment.remove();
      const { Functions } = await deployment.aws.lambda.send(new ListFunctionsCommand({}));
      expect(Functions).toEqual([]);
      const { Table } = await deployment.aws.dynamodb.send(
        new DescribeTableCommand({ TableName: deployment.table }),
      );
      expect(Table?.TableStatus).toBe('ACTIVE');
      expect((await scenario.snapshots()).length).toBeGreaterThan(0);
    } finally {
      await cloud.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
  PATIENCE,
);
