import type { ServerName, StackEnvironment } from './server-plan.ts';

/** Variables that name a server somebody else runs, and those that belong to it. */
const REPLACED_BY: readonly {
  readonly server: ServerName;
  /** The server is replaced when every name of one of these groups is set. */
  readonly when: readonly (readonly string[])[];
  readonly with: readonly string[];
}[] = [
  {
    server: 'pulsar',
    when: [['PULSAR_SERVICE_URL']],
    with: ['PULSAR_SERVICE_URL', 'PULSAR_ADMIN_URL', 'PULSAR_TOKEN'],
  },
  {
    server: 'clickhouse',
    when: [['CLICKHOUSE_URL']],
    with: ['CLICKHOUSE_URL', 'CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD'],
  },
  {
    server: 'aws',
    when: [['AWS_ENDPOINT_URL'], ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_S3']],
    with: ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION'],
  },
];

const STORES = ['PULSEHOUSE_STATE_TABLE', 'PULSEHOUSE_BUCKET'];

export interface ExternalServers {
  readonly names: readonly ServerName[];
  /** What the environment says of them, and of the table and bucket. */
  readonly environment: StackEnvironment;
}

/**
 * Which servers the environment brings. What `own` says too is not external: it came from `stack env` of this very
 * stack.
 */
export function externalServers(
  environment: Readonly<Record<string, string | undefined>>,
  own: StackEnvironment,
): ExternalServers {
  const isGiven = (name: string) => environment[name] !== undefined && environment[name] !== own[name];
  const replaced = REPLACED_BY.filter(({ when }) => when.some((group) => group.every(isGiven)));
  const names = [...replaced.flatMap((one) => one.with), ...STORES];
  return {
    names: replaced.map((one) => one.server),
    environment: Object.fromEntries(
      names.flatMap((name) => {
        const value = environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}
