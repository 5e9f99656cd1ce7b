import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { packageRoot } from '../../infra/local/package-root.ts';
import { type Parameters, packageService, serverless } from '../support/serverless.ts';
import type { Cloud } from './cloud.ts';

const run = promisify(execFile);
/** Where the ClickHouse password is kept in the emulated cloud. */
export const SECRET = '/pulsehouse/e2e/clickhouse-password';
const ACCOUNT = '000000000000';

export interface Servers {
  /** Addresses of a real Pulsar and a real ClickHouse. */
  readonly environment: Readonly<Record<string, string>>;
  readonly topic: string;
  readonly database: string;
}

/** Pulsehouse as its user has it: a pipeline file, `serverless`, and `pulsehouse` for init and audit. */
export interface Deployment {
  readonly stack: string;
  readonly queueUrl: string;
  readonly bucket: string;
  readonly table: string;
  /** Clients of the account's owner. */
  readonly aws: ReturnType<typeof clients>;
  deploy(parameters?: Parameters): Promise<void>;
  /** `serverless invoke`; answers the function's result. */
  invoke<Answer>(functionName: string, event: unknown): Promise<Answer>;
  /** `pulsehouse …`; answers what it printed as JSON. */
  command<Answer>(...words: readonly string[]): Promise<Answer>;
  remove(): Promise<void>;
}

export async function prepareDeployment(
  cloud: Cloud,
  servers: Servers,
  directory: string,
): Promise<Deployment> {
  await mkdir(directory, { recursive: true });
  const pipelineFile = join(directory, 'pipeline.yml');
  const ddlFile = join(directory, 'events.sql');
  await writeFile(pipelineFile, pipelineText(servers));
  await writeFile(ddlFile, DDL);
  const stage = 'e2e';
  const stack = `pulsehouse-${stage}`;
  const bucket = `${stack}-${ACCOUNT}-${cloud.environment['AWS_REGION']}`;
  const table = `${stack}-state`;
  const environment = { ...servers.environment, ...cloud.environment };
  const own = {
    pulsarServiceUrl: environment['PULSAR_SERVICE_URL'] ?? '',
    pulsarAdminUrl: environment['PULSAR_ADMIN_URL'] ?? '',
    clickhouseUrl: environment['CLICKHOUSE_URL'] ?? '',
    clickhouseUser: environment['CLICKHOUSE_USER'] ?? '',
    clickhousePasswordFrom: `ssm:${SECRET}`,
    pipelines: pipelineFile,
  };
  const ofStage = ['--stage', stage];
  return {
    stack,
    bucket,
    table,
    queueUrl: `${cloud.environment['AWS_ENDPOINT_URL']}/${ACCOUNT}/${stack}-failures`,
    aws: clients(cloud),
    async deploy(parameters = {}) {
      const packaged = await packageService({ ...own, ...parameters }, cloud.environment, stage);
      try {
        const words = ['deploy', ...ofStage, '--package', packaged.folder];
        await serverless(words, { ...own, ...parameters }, cloud.environment);
      } finally {
        await packaged.remove();
      }
    },
    async invoke(functionName, event) {
      const words = ['invoke', ...ofStage, '-f', functionName, '--data', JSON.stringify(event)];
      return JSON.parse(await serverless(words, own, cloud.environment));
    },
    async command(...words) {
      const ddl = words[0] === 'init' ? ['--ddl', ddlFile] : [];
      const { stdout } = await run(
        process.execPath,
        [join(packageRoot, 'bin', 'pulsehouse.js'), ...words, '-c', pipelineFile, '--json', ...ddl],
        {
          cwd: packageRoot,
          env: { ...process.env, ...environment, PULSEHOUSE_STATE_TABLE: table, PULSEHOUSE_BUCKET: bucket },
        },
      );
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    },
    remove: async () => void (await serverless(['remove', ...ofStage], own, cloud.environment)),
  };
}

function clients({ environment, certificate }: Cloud) {
  const options = {
    endpoint: environment['AWS_ENDPOINT_URL'] ?? '',
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    requestHandler: { httpsAgent: { ca: readFileSync(certificate) } },
  };
  return {
    dynamodb: new DynamoDBClient(options),
    lambda: new LambdaClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sqs: new SQSClient(options),
    ssm: new SSMClient(options),
  };
}

const DDL = `CREATE TABLE {database:Identifier}.{table:Identifier} (
  id UInt64, _partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
  PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)
) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000;
`;

const pipelineText = ({ topic, database }: Servers) => `name: e2e
topic: ${topic}
subscription: pulsehouse-e2e
target: { database: ${database}, table: events }
source: { format: json, fields: { id: UInt64 } }
columns: { id: id }
checkpoint: { interval: 60s }
audit: { interval: 60s }
`;
