import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PulsehouseError } from '../../lib/pipeline/errors.ts';
import { localFiles } from './package-root.ts';
import { PYTHON, require } from './prerequisites.ts';
import { answersOk, type Launch, type ServerPlace, type ServerPlan } from './server-plan.ts';

const VERSION = '26.7.3-stable.1';
const LIBRARY = '@chdb/lib-linux-x64-gnu';
const ARCHIVE_SHA512 =
  'XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==';

export const CLICKHOUSE_USER = 'pulsehouse';
export const CLICKHOUSE_PASSWORD = 'pulsehouse';

/** XML of its configuration, put at the end of what stands there. */
export interface ClickHouseOptions {
  readonly users?: string;
  readonly configuration?: string;
}

const PLAN: Omit<ServerPlan, 'launch'> = {
  name: 'clickhouse',
  grace: 10,
  ports: [{ purpose: 'HTTP', wellKnown: 8123 }],
  package: {
    name: 'clickhouse',
    version: VERSION,
    bytes: 900_000_000,
    fetch: async ({ staging, content, run, check }) => {
      await run('npm', 'pack', `${LIBRARY}@${VERSION}`, '--cache', join(staging, 'npm'), '--silent');
      const archive = join(staging, `chdb-lib-linux-x64-gnu-${VERSION}.tgz`);
      await check(archive, ARCHIVE_SHA512);
      await run('tar', '-xzf', archive, '-C', content, '--strip-components=1');
    },
  },
  requirePrerequisites: async () => {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw new PulsehouseError(
        'PH_STACK_UNSUPPORTED',
        `The ClickHouse of the local stack runs on Linux x64 only, and this is ${process.platform} ${process.arch}.`,
        {
          nextStep:
            'Bring a ClickHouse server: set CLICKHOUSE_URL, CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, then run this again.',
        },
      );
    }
    await require(PYTHON, `ClickHouse ${VERSION}`);
  },
  isReady: ([port]) =>
    answersOk(`http://127.0.0.1:${port}/?query=SELECT%201`, {
      'x-clickhouse-user': CLICKHOUSE_USER,
      'x-clickhouse-key': CLICKHOUSE_PASSWORD,
    }),
  environment: ([port]) => ({
    CLICKHOUSE_URL: `http://127.0.0.1:${port}`,
    CLICKHOUSE_USER,
    CLICKHOUSE_PASSWORD,
  }),
};

/** ClickHouse's own HTTP server, query engine and MergeTree, run out of libchdb by clickhouse.py. */
export const clickhouse: ServerPlan = clickhouseWith({});

export function clickhouseWith(options: ClickHouseOptions): ServerPlan {
  return { ...PLAN, launch: (place) => launch(place, options) };
}

async function launch(
  { installed, folder, ports: [port] }: ServerPlace,
  { users: moreUsers = '', configuration: more = '' }: ClickHouseOptions,
): Promise<Launch> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const users = join(folder, 'users.xml');
  const configuration = join(folder, 'config.xml');
  await writeFile(users, usersWith(moreUsers));
  await writeFile(configuration, configurationWith(users, more));
  return {
    command: 'python3',
    arguments: [
      join(localFiles, 'clickhouse.py'),
      join(installed, 'libchdb.so'),
      String(port),
      data,
      configuration,
    ],
  };
}

/** The engine itself logs in as `default`, which therefore has to exist, and may do nothing but start the listener. */
function usersWith(more: string): string {
  return `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip><ip>::</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <${CLICKHOUSE_USER}>
      <password>${CLICKHOUSE_PASSWORD}</password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
    </${CLICKHOUSE_USER}>
    ${more}
  </users>
</clickhouse>
`;
}

function configurationWith(users: string, more: string): string {
  const log = (name: string) =>
    `<${name}><database>system</database><table>${name}</table><flush_interval_milliseconds>1000</flush_interval_milliseconds></${name}>`;
  return `<clickhouse>
  <user_directories><users_xml><path>${users}</path></users_xml></user_directories>
  ${log('query_log')}
  ${log('part_log')}
  ${more}
</clickhouse>
`;
}
