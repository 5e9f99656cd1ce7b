import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { openServer } from '../../lib/assembly/servers.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { createConsoleLog } from '../../lib/cli/console-log.ts';
import { count, plural } from '../../lib/cli/format.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import type { Server } from '../../lib/clickhouse/server.ts';
import { writePipelineFile } from '../support/pipeline-file.ts';
import { publish } from '../support/publish.ts';
import { createTopic } from '../support/pulsar-admin.ts';
import { type Answered, type Commands, commandsFor } from './commands.ts';

export interface TourPlace {
  readonly environment: StackEnvironment;
  /** For the pipeline file. */
  readonly folder: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly messages: number;
}

const PARTITIONS = 2;
const PER_ENTRY = 100;
const QUESTION_TIME = 30_000;

/** Breaks a pipeline in every way it can be broken from outside, and mends it by hand each time. */
export async function runTour(place: TourPlace): Promise<{ readonly exact: boolean; readonly rows: number }> {
  const { environment, folder, terminal, signal, messages } = place;
  const run = randomUUID().slice(0, 8);
  const database = `tour_${run}`;
  const topic = `persistent://public/default/tour-${run}`;
  const pipelineFile = await writePipelineFile(join(folder, 'pipeline.yml'), {
    name: `tour-${run}`,
    topic,
    subscription: `tour-${run}`,
    'target.database': database,
    // Small batches, so that there is a middle to be killed in; short times, so that nobody waits.
    'batch.maxRows': Math.max(500, Math.ceil(messages / PARTITIONS / 10)),
    'batch.insertTimeout': '3 s',
    'consume.lease': '2 s',
  });
  const settings = readSettings(environment);
  const server = await openServer(settings);
  const wire = {
    serviceUrl: settings.pulsar.serviceUrl,
    adminUrl: settings.pulsar.adminUrl,
    environment: systemEnvironment,
    log: createConsoleLog(terminal, 'warn'),
  };
  const topics = Array.from({ length: PARTITIONS }, (_, partition) => `${topic}-partition-${partition}`);
  const guide = new Guide(terminal, commandsFor(pipelineFile, environment, signal));
  const table = `${database}.sensors_local`;
  let published = 0;
  const publishMore = async (more: number) => {
    await publish(wire, { topics, first: published, messages: more, perEntry: PER_ENTRY, signal });
    published += more;
    guide.tell(`${plural(more, 'message')} published on ${PARTITIONS} partitions`);
  };
  try {
    guide.heading('A pipeline, and proof that it is exact');
    await createTopic(environment['PULSAR_ADMIN_URL'] ?? '', topic, PARTITIONS);
    await guide.expect(0, 'init');
    await publishMore(messages);
    await guide.expect(0, 'consume');
    await guide.expect(0, 'checkpoint');
    await guide.audit({ rows: published, missing: 0 });

    guide.heading("Rows are deleted behind the system's back");
    const lost = await loseRows(server, table);
    guide.tell(`ALTER TABLE … DELETE took ${plural(lost, 'row')} away; nothing has noticed`);
    await guide.audit({ rows: published - lost, missing: lost });
    const plan = await guide.expect(3, 'replay', '--mode', 'repair');
    guide.tell(`a dry run: ${count(Number(plan['missing']))} rows would be inserted, and nothing else`);
    await guide.expect(0, 'replay', '--mode', 'repair', '--yes');
    await guide.audit({ rows: published, missing: 0 });

    guide.heading('The state table is lost');
    await publishMore(Math.ceil(messages / 4));
    await guide.expect(0, 'consume');
    guide.tell('consumed, with no checkpoint after it: the newest snapshot knows nothing of these');
    await dropStateTable(environment, settings.dynamodb);
    const refused = await guide.expect(1, 'consume');
    guide.tell(`consume refuses: ${JSON.stringify(refused['error']).slice(0, 120)}…`);
    const restored = await guide.expect(0, 'restore');
    guide.tell(
      `rebuilt from checkpoint ${restored['checkpoint']}; what the table held beyond it was taken over`,
    );
    await guide.audit({ rows: published, missing: 0 });

    guide.heading('A range goes into another table, and is cut off with SIGKILL');
    await tell(server, `CREATE TABLE ${database}.copy AS ${table}`);
    const cut = guide.start('replay', '--into', `${database}.copy`, '--yes');
    const half = await untilSome(server, `${database}.copy`);
    cut.child.kill('SIGKILL');
    await cut.ended;
    guide.tell(`killed with ${count(half)} of ${count(published)} rows in the copy`);
    const status = await guide.expect(0, 'status');
    const id = unfinished(status);
    await guide.expect(0, 'replay', '--continue', id);
    const copied = await ask(
      server,
      `SELECT count(), uniqExact(_partition, _ledger, _entry, _index) FROM ${database}.copy`,
    );
    guide.tell(`the copy holds ${copied.map(count).join(' rows, distinct ')}`);
    if (copied.some((rows) => rows !== published))
      throw new Error(`the copy is not whole: ${copied.join(', ')}`);

    guide.heading('And at the end');
    await guide.expect(0, 'consume');
    await guide.expect(0, 'checkpoint');
    await guide.audit({ rows: published, missing: 0 });
    return { exact: true, rows: published };
  } finally {
    await tell(server, `DROP DATABASE IF EXISTS ${database}`);
    await server.close();
  }
}

/** Runs commands, shows each as a person would type it, and holds the answers to what they must be. */
class Guide {
  private readonly terminal: Terminal;
  private readonly commands: Commands;
  private step = 0;

  constructor(terminal: Terminal, commands: Commands) {
    this.terminal = terminal;
    this.commands = commands;
  }

  heading(text: string): void {
    this.step += 1;
    this.terminal.say(`\n${this.terminal.colour.bold(`${this.step}. ${text}`)}`);
  }

  tell(text: string): void {
    this.terminal.say(`   ${text}`);
  }

  start(...words: readonly string[]): ReturnType<Commands['start']> {
    this.terminal.say(`   ${this.terminal.colour.cyan(`$ pulsehouse ${words.join(' ')}`)}`);
    return this.commands.start(...words);
  }

  async expect(code: number, ...words: readonly string[]): Promise<Record<string, unknown>> {
    const answered = await this.start(...words).ended;
    if (answered.code === code && answered.answer) return answered.answer;
    throw new Error(
      `pulsehouse ${words.join(' ')} ended with ${answered.code}, not ${code}:\n${shown(answered)}`,
    );
  }

  /** The audit must find exactly this. */
  async audit(must: { readonly rows: number; readonly missing: number }): Promise<void> {
    const report = await this.expect(must.missing === 0 ? 0 : 3, 'audit');
    const { rows, missing, doubled } = report;
    const { green, red } = this.terminal.colour;
    const verdict = report['exact'] === true ? green('exact') : red('not exact');
    this.tell(
      `${verdict}: ${count(Number(rows))} rows, missing ${count(Number(missing))}, doubled ${doubled}`,
    );
    if (rows === must.rows && missing === must.missing && doubled === 0) return;
    throw new Error(
      `the audit should have found ${JSON.stringify(must)}: ${JSON.stringify({ rows, missing, doubled })}`,
    );
  }
}

function shown({ answer, said }: Answered): string {
  return `${said}\n${answer ? JSON.stringify(answer).slice(0, 2_000) : 'no answer'}`;
}

function unfinished(status: Record<string, unknown>): string {
  const replays = status['replays'] as readonly { readonly id: string; readonly status: string }[];
  const running = replays.find((replay) => replay.status === 'running');
  if (running) return running.id;
  throw new Error('the replay was not cut off: no replay is running');
}

async function loseRows(server: Server, table: string): Promise<number> {
  const where = 'cityHash64(_partition, _ledger, _entry, _index) % 97 = 13';
  const [rows = 0] = await ask(server, `SELECT count() FROM ${table} WHERE ${where}`);
  await tell(server, `ALTER TABLE ${table} DELETE WHERE ${where} SETTINGS mutations_sync = 2`);
  return rows;
}

async function untilSome(server: Server, table: string): Promise<number> {
  for (;;) {
    const [rows = 0] = await ask(server, `SELECT count() FROM ${table}`);
    if (rows > 0) return rows;
    await systemEnvironment.sleep(20);
  }
}

async function dropStateTable(
  environment: StackEnvironment,
  { table, endpoint }: { readonly table: string; readonly endpoint: string | undefined },
): Promise<void> {
  const client = new DynamoDBClient({
    region: environment['AWS_REGION'] ?? 'us-east-1',
    ...(endpoint !== undefined && { endpoint }),
  });
  await client.send(new DeleteTableCommand({ TableName: table }));
  client.destroy();
}

async function ask(server: Server, sql: string): Promise<readonly number[]> {
  const text = await server.run({ sql: `${sql} FORMAT TSV`, timeout: QUESTION_TIME });
  return text.trimEnd().split('\t').map(Number);
}

async function tell(server: Server, sql: string): Promise<void> {
  await server.run({ sql, timeout: QUESTION_TIME });
}
