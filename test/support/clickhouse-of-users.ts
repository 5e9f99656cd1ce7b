import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackage } from '../../infra/local/cache.ts';
import { clickhouse } from '../../infra/local/clickhouse.ts';
import { freePort } from '../../infra/local/ports.ts';
import { silent } from '../../infra/local/progress.ts';
import { Server } from '../../infra/local/server.ts';
import { messageOf } from '../../lib/pipeline/errors.ts';

export const PASSWORD = 'secret';

export interface User {
  /** XML of its profile. */
  readonly profile?: string;
  /** Grants; all of them when left out. */
  readonly grants?: readonly string[];
  /** What it sees of each table, `database.table`. */
  readonly filters?: Readonly<Record<string, string>>;
}

export interface OwnClickHouse {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * A ClickHouse of one's own with such users, whose password is PASSWORD; `admin` may everything.
 * @param roles what each is granted
 */
export async function startClickHouse(
  users: Readonly<Record<string, User>>,
  roles: Readonly<Record<string, readonly string[]>> = {},
): Promise<OwnClickHouse> {
  const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-users-'));
  const installed = await ensurePackage(clickhouse.package, silent);
  const plan = {
    ...clickhouse,
    launch: async (place: Parameters<typeof clickhouse.launch>[0]) => {
      const launch = await clickhouse.launch(place);
      await writeFile(join(place.folder, 'users.xml'), usersXml({ admin: {}, ...users }, roles));
      return launch;
    },
    isReady: async ([port]: readonly number[]) => {
      const response = await fetch(`http://127.0.0.1:${port}/ping`).catch(() => undefined);
      return response?.ok ?? false;
    },
  };
  const server = new Server(plan, installed, directory, [await freePort()]);
  await server.start();
  return {
    url: `http://127.0.0.1:${server.ports[0]}`,
    stop: async () => {
      await server.stop('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Why such a server cannot be run on this machine; undefined where it can. */
export async function whyNotHere(): Promise<string | undefined> {
  try {
    await clickhouse.requirePrerequisites();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The engine itself logs in as `default`. */
function usersXml(
  users: Readonly<Record<string, User>>,
  roles: Readonly<Record<string, readonly string[]>>,
): string {
  const profiles = Object.entries(users).map(([name, { profile = '' }]) => `<${name}>${profile}</${name}>`);
  const entries = Object.entries(users).map(([name, user]) => userXml(name, user));
  const granted = Object.entries(roles).map(([name, grants]) => `<${name}>${grantsXml(grants)}</${name}>`);
  return `<clickhouse><roles>${granted.join('')}</roles><profiles><default/>${profiles.join('')}</profiles><quotas><default/></quotas><users>
<default><no_password/><networks><ip>127.0.0.1</ip><ip>::</ip></networks><profile>default</profile><quota>default</quota>
<grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants></default>
${entries.join('\n')}
</users></clickhouse>`;
}

function grantsXml(grants: readonly string[]): string {
  return `<grants>${grants.map((grant) => `<query>GRANT ${grant}</query>`).join('')}</grants>`;
}

function userXml(name: string, { filters = {}, grants }: User): string {
  const databases = Object.entries(filters).map(([of, filter]) => {
    const [database, table] = of.split('.');
    return `<${database}><${table}><filter>${filter}</filter></${table}></${database}>`;
  });
  return `<${name}><password>${PASSWORD}</password><networks><ip>127.0.0.1</ip></networks><profile>${name}</profile><quota>default</quota>
${grants === undefined ? '' : grantsXml(grants)}<databases>${databases.join('')}</databases></${name}>`;
}
