import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { awsAccount } from './ministack.ts';
import { localFiles } from './package-root.ts';
import { JDK, MAVEN, require } from './prerequisites.ts';
import type { ServerPlan } from './server-plan.ts';

/** Also in dynamodb-local.xml. */
const VERSION = '2.6.1';
const ENGINE = `DynamoDBLocal-${VERSION}.jar`;
const ENGINE_SHA512 =
  'gSkzuPx88wBM75u6Ups64xF9u/gX7G0H013Nr5x8EvNf++yU/sYPD+nKMM4ilPFo+sYw9Xvq66UiqFqe+IQqNg==';

/** Amazon's own emulator: the stricter referee for conditional writes. On disk: its data survive a SIGKILL. */
export const dynamodbLocal: ServerPlan = {
  name: 'dynamodb-local',
  grace: 5,
  ports: [{ purpose: 'DynamoDB API', wellKnown: 8000 }],
  package: {
    name: 'dynamodb-local',
    version: VERSION,
    bytes: 120_000_000,
    fetch: async ({ staging, content, run, check }) => {
      await require(MAVEN, `Fetching DynamoDB Local ${VERSION}`);
      // Every jar is compared with its registry's checksum (-C); the engine also with ours.
      await run(
        'mvn',
        ...['-B', '-ntp', '-C', '-f', join(localFiles, 'dynamodb-local.xml'), 'dependency:copy-dependencies'],
        ...['-DincludeScope=runtime', `-DoutputDirectory=${content}`],
        `-Dmaven.repo.local=${join(staging, 'maven')}`,
      );
      await check(join(content, ENGINE), ENGINE_SHA512);
    },
  },
  requirePrerequisites: () => require(JDK, `DynamoDB Local ${VERSION}`),
  launch: async ({ installed, folder, ports: [port] }) => {
    const data = join(folder, 'data');
    await mkdir(data, { recursive: true });
    return {
      command: 'java',
      arguments: [
        ...[
          '-Xmx256m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          `-Dsqlite4java.library.path=${installed}`,
        ],
        ...['-cp', `${installed}/*`, join(localFiles, 'LoopbackDynamoDb.java')],
        ...['-dbPath', data, '-sharedDb', '-disableTelemetry', '-port', String(port)],
      ],
    };
  },
  isReady: async ([port]) => {
    try {
      // It answers 400 to an unsigned request: that is an answer.
      const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) });
      await response.arrayBuffer();
      return response.status === 400;
    } catch {
      return false;
    }
  },
  environment: ([port]) => ({ ...awsAccount, AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}` }),
};
