import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localFiles } from './package-root.ts';
import { PIP, PYTHON, require } from './prerequisites.ts';
import { answersOk, type ServerPlan } from './server-plan.ts';

const VERSION = '1.5.33';
export const REGION = 'us-east-1';

/** Emulates DynamoDB, S3, Lambda, EventBridge Scheduler, SQS, SNS, CloudFormation and CloudWatch on one port. */
export const ministack: ServerPlan = {
  name: 'aws',
  grace: 10,
  ports: [{ purpose: 'AWS API', wellKnown: 4566 }],
  package: {
    name: 'ministack',
    version: VERSION,
    bytes: 75_000_000,
    fetch: async ({ content, run }) => {
      await require(PIP, `Fetching ministack ${VERSION}`);
      await run(
        'python3',
        ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
        ...['--require-hashes', '--only-binary=:all:', '--target', content],
        ...['-r', join(localFiles, 'ministack.txt')],
      );
    },
  },
  requirePrerequisites: () => require(PYTHON, `ministack ${VERSION}`),
  launch: async ({ installed, folder, ports: [port] }) => {
    const data = join(folder, 'data');
    await mkdir(data, { recursive: true });
    return {
      command: 'python3',
      arguments: ['-m', 'ministack'],
      environment: {
        PYTHONPATH: installed,
        PYTHONDONTWRITEBYTECODE: '1',
        // It listens on every interface if not told.
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        MINISTACK_REGION: REGION,
        PERSIST_STATE: '1',
        STATE_DIR: join(data, 'state'),
        S3_PERSIST: '1',
        S3_DATA_DIR: join(data, 's3'),
        LOG_LEVEL: 'WARNING',
        // The one listener that would not keep to BIND_HOST.
        IOT_MTLS_ENABLED: '0',
      },
    };
  },
  isReady: ([port]) => answersOk(`http://127.0.0.1:${port}/_ministack/health`),
  environment: ([port]) => ({ ...awsAccount, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }),
};

/** What both emulators take for an account. */
export const awsAccount = {
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
} as const;
