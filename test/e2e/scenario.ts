import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { openProducer } from '../../lib/pulsar/wire/producer.ts';
import type { AuditReport } from '../../lib/replay/audit/audit-report.ts';
import type { ReplayProgress } from '../../lib/replay/replay/replay.ts';
import type { PipelineStatus, ReplayStatusLine } from '../../lib/replay/status.ts';
import type { Cloud } from './cloud.ts';
import { type Deployment, SECRET, type Servers } from './deployment.ts';
import { silentLog } from './silent-log.ts';

const PARTITIONS = 4;
const AN_ENTRY = 250;
/** Seconds. Short, so that a sandbox that hangs is given up within the test. */
const CONSUME_TIMEOUT = 20;

export interface DeployedAudit {
  readonly report: AuditReport & { readonly key: string };
  /** The line of metrics in its log; undefined where there was nothing to tell. */
  readonly metric: Readonly<Record<string, unknown>> | undefined;
}

/** One deployment's life on real servers and an emulated cloud. Each step throws when something is not as it must be. */
export class Scenario {
  private readonly cloud: Cloud;
  private readonly servers: Servers;
  private readonly deployment: Deployment;
  private readonly tell: (line: string) => void;
  private published = 0;
  /** Keys of the reports that were asked for by hand. */
  private readonly audited = new Set<string>();

  constructor(cloud: Cloud, servers: Servers, deployment: Deployment, tell: (line: string) => void) {
    this.cloud = cloud;
    this.servers = servers;
    this.deployment = deployment;
    this.tell = tell;
  }

  async deploy(): Promise<void> {
    const { aws } = this.deployment;
    await this.createTopic();
    await aws.ssm.send(
      new PutParameterCommand({
        Name: SECRET,
        Value: this.servers.environment['CLICKHOUSE_PASSWORD'] ?? '',
        Type: 'SecureString',
      }),
    );
    await this.deployment.deploy({ consumeTimeout: String(CONSUME_TIMEOUT) });
    this.tell('serverless deploy: done');
    await this.deployment.command('init');
    this.tell('pulsehouse init: done');
  }

  async publish(messages: number): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const producer = await openProducer(
        { serviceUrl: this.servers.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog },
        `${this.servers.topic}-partition-${partition}`,
        { compression: 'lz4' },
      );
      for (let sent = 0; sent < messages / PARTITIONS; sent += AN_ENTRY) {
        const from = this.published + sent;
        await producer.sendBatch(
          Array.from({ length: AN_ENTRY }, (_, at) => ({
            payload: Buffer.from(JSON.stringify({ id: from + at })),
          })),
        );
      }
      await producer.close();
      this.published += messages / PARTITIONS;
    }
    this.tell(`published ${this.published} messages in all`);
  }

  /** Nothing but the schedule is at work here. Answers when a cycle has acknowledged everything there is. */
  async untilDelivered(): Promise<void> {
    for (;;) {
      const status = await this.deployment.command<PipelineStatus>('status');
      const caughtUp = status.partitions.every(
        ({ committed, acknowledged, last }) => committed === last && acknowledged === last,
      );
      if (caughtUp) {
        this.tell(
          `the schedule fired: checkpoint ${status.checkpoint} complete, acknowledged ${status.acknowledged}, all ${status.partitions.length} partitions drained`,
        );
        return;
      }
      await sleep(2_000);
    }
  }

  async snapshots(): Promise<readonly string[]> {
    const keys = await this.objects('e2e/snapshots/');
    this.tell(`${keys.length} snapshots in the bucket`);
    return keys;
  }

  /** A sandbox that hangs until Lambda gives it up. Answers the event found in the queue of failures. */
  async timeOut(): Promise<unknown> {
    const stopped = await this.hang();
    this.tell(`sandboxes ${stopped.join(', ')} hang: waiting for Lambda to give up`);
    return this.failure();
  }

  /** A sandbox that dies in the middle of an invocation. */
  async crash(): Promise<unknown> {
    const stopped = await this.hang();
    for (const pid of stopped) process.kill(pid, 'SIGKILL');
    this.tell(`sandboxes ${stopped.join(', ')} killed in the middle of an invocation`);
    return this.failure();
  }

  /** Rows vanish on every partition, behind the system's back. Answers how many. */
  async lose(): Promise<number> {
    const { database } = this.servers;
    const lost = Number(await this.query(`SELECT count() FROM ${database}.events WHERE id % 5 = 0`));
    await this.query(`ALTER TABLE ${database}.events DELETE WHERE id % 5 = 0 SETTINGS mutations_sync = 2`);
    this.tell(`${lost} rows deleted`);
    return lost;
  }

  /**
   * A repair is begun by hand, and left. Nothing but cycles follow. Answers the replay as the status shows it in the end.
   */
  async repairByCyclesAlone(): Promise<ReplayStatusLine | undefined> {
    const repair = { pipeline: 'e2e', mode: 'repair', yes: true, detach: true };
    const begun = await this.deployment.invoke<ReplayProgress>('replay', repair);
    this.tell(`replay ${begun.record.id} begun: ${begun.record.ranges.length} ranges`);
    for (let cycles = 1; ; cycles += 1) {
      await this.deployment.invoke('checkpoint', { pipeline: 'e2e' });
      const { replays } = await this.deployment.command<PipelineStatus>('status');
      const replay = replays.find(({ id }) => id === begun.record.id);
      if (replay?.status === 'running' && replay.halted.length === 0) continue;
      this.tell(`${cycles} cycles later the replay is ${replay?.status}`);
      return replay;
    }
  }

  async audit(): Promise<AuditReport> {
    const report = await this.deployment.command<AuditReport>('audit');
    this.tell(
      `audit: ${report.exact ? 'exact' : 'NOT exact'}, ${this.published} published, ${report.messages} messages, ${report.rows} rows, missing ${report.missing}, doubled ${report.doubled}`,
    );
    if (report.messages !== this.published) {
      throw new Error(`${this.published} messages were published and ${report.messages} audited`);
    }
    return report;
  }

  /** The deployed `audit`, invoked by hand to compare everything; its report, and what it measured. */
  async auditDeployed(): Promise<DeployedAudit> {
    const { aws, stack } = this.deployment;
    const event = { pipeline: 'e2e', since: 'origin' };
    const answer = await aws.lambda.send(
      new InvokeCommand({
        FunctionName: `${stack}-audit`,
        Payload: Buffer.from(JSON.stringify(event)),
        LogType: 'Tail',
      }),
    );
    const payload = Buffer.from(answer.Payload ?? []).toString();
    if (answer.FunctionError !== undefined) throw new Error(`audit failed: ${payload}`);
    const logged = Buffer.from(answer.LogResult ?? '', 'base64').toString();
    const measured = logged.split('\n').find((line) => line.includes('"AuditFaults":'));
    const report = JSON.parse(payload) as DeployedAudit['report'];
    this.audited.add(report.key);
    this.tell(
      `deployed audit: ${report.exact ? 'exact' : 'NOT exact'}, missing ${report.missing}; report ${report.key}`,
    );
    return { report, metric: measured === undefined ? undefined : JSON.parse(measured) };
  }

  /** Waits until the audits' own schedule has brought a report that is exact. Answers its key. */
  async untilAuditedBySchedule(): Promise<string> {
    for (;;) {
      const keys = await this.objects('e2e/audits/');
      const key = keys.find((found) => found.endsWith('.exact.json') && !this.audited.has(found));
      if (key !== undefined) {
        this.tell(`the audits' schedule fired: ${key}`);
        return key;
      }
      await sleep(1_000);
    }
  }

  /** Stops every sandbox of `consume`, a new one if there is none, then has it invoked. */
  private async hang(): Promise<readonly number[]> {
    const { aws, stack } = this.deployment;
    const name = `${stack}-consume`;
    const event = Buffer.from(JSON.stringify({ pipeline: 'e2e', partition: 0 }));
    await aws.lambda.send(new InvokeCommand({ FunctionName: name, Payload: event }));
    const sandboxes = this.cloud.sandboxes(name);
    if (sandboxes.length === 0) throw new Error(`${name} has no sandbox`);
    for (const pid of sandboxes) process.kill(pid, 'SIGSTOP');
    await aws.lambda.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload: event }));
    // Long enough for the event to reach a sandbox; one that has not is taken by a later one and fails the test.
    await sleep(1_000);
    return sandboxes;
  }

  private async failure(): Promise<unknown> {
    const { aws, queueUrl } = this.deployment;
    for (;;) {
      const { Messages: [message] = [] } = await aws.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 5 }),
      );
      if (message?.Body === undefined) continue;
      await aws.sqs.send(
        new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }),
      );
      this.tell(`queue of failures: ${message.Body.slice(0, 200)}`);
      return JSON.parse(message.Body);
    }
  }

  private async objects(prefix: string): Promise<readonly string[]> {
    const { aws, bucket } = this.deployment;
    const { Contents = [] } = await aws.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return Contents.map(({ Key }) => Key ?? '');
  }

  private async query(sql: string): Promise<string> {
    const { environment: servers } = this.servers;
    const response = await fetch(servers['CLICKHOUSE_URL'] ?? '', {
      method: 'POST',
      headers: {
        'x-clickhouse-user': servers['CLICKHOUSE_USER'] ?? '',
        'x-clickhouse-key': servers['CLICKHOUSE_PASSWORD'] ?? '',
      },
      body: sql,
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(answer);
    return answer;
  }

  private async createTopic(): Promise<void> {
    const url = `${this.servers.environment['PULSAR_ADMIN_URL']}/admin/v2/${this.servers.topic.replace('://', '/')}/partitions`;
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: String(PARTITIONS),
    });
    if (!response.ok) throw new Error(`the topic could not be created: ${await response.text()}`);
  }
}
