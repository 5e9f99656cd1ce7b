import type { Pipeline } from '../../pipeline/pipeline.ts';
import { parseServiceUrl } from '../../pulsar/wire/net/address.ts';
import type { Ports } from '../connections.ts';
import { openAdmin, type Surroundings } from '../servers.ts';
import type { Settings } from '../settings.ts';
import type { HostAndPort } from './accepts.ts';
import type { AskedServer, ServerName } from './first-answers.ts';

type Asking = Pick<Ports, 'transport' | 'sink' | 'state' | 'objects'>;

/** The servers behind the ports of a pipeline, each with its cheapest question. */
export function askedServers(
  pipeline: Pipeline,
  settings: Settings,
  ports: Asking,
  around: Surroundings,
): Partial<Record<ServerName, AskedServer>> {
  const { pulsar, clickhouse, dynamodb, s3, region } = settings;
  return {
    Pulsar: {
      address: pulsar.serviceUrl,
      at: onlyBroker(pulsar.serviceUrl),
      code: 'PH_PULSAR_UNREACHABLE',
      ask: (deadline) => ports.transport.partitions(pipeline.topic, deadline),
    },
    ...(pulsar.adminUrl !== undefined && {
      'the admin API': askedAdmin(pipeline, settings, pulsar.adminUrl, around),
    }),
    ClickHouse: {
      address: clickhouse.endpoints.map(({ url }) => url).join(','),
      at: onlyEndpoint(clickhouse.endpoints),
      code: 'PH_CLICKHOUSE_UNREACHABLE',
      ask: (deadline) => ports.sink.serverNow(deadline),
    },
    DynamoDB: {
      ...awsAddress(dynamodb.endpoint, region),
      code: 'PH_STATE_UNREACHABLE',
      ask: (deadline) => ports.state.readCycle(pipeline.name, deadline),
    },
    S3: {
      ...awsAddress(s3.endpoint, region),
      code: 'PH_OBJECTS_UNREACHABLE',
      ask: (deadline) => ports.objects.read(`${pipeline.name}/snapshots/0.json`, deadline),
    },
  };
}

function askedAdmin(
  { topic }: Pipeline,
  settings: Settings,
  address: string,
  around: Surroundings,
): AskedServer {
  return {
    address,
    at: placeOf(address),
    code: 'PH_PULSAR_UNREACHABLE',
    nextStep:
      'Check that PULSAR_ADMIN_URL names the web address of the broker, and that it is not overloaded.',
    async ask(deadline) {
      const admin = await openAdmin(settings, around);
      const { askAdminHeaders } = await import('../../pulsar/admin/admin-api.ts');
      return admin && askAdminHeaders(admin, { topic, path: 'brokers/ready' }, deadline);
    },
  };
}

/** Without an endpoint the SDK finds the service by its region. */
function awsAddress(
  endpoint: string | undefined,
  region: string | undefined,
): Pick<AskedServer, 'address' | 'at'> {
  if (endpoint !== undefined) return { address: endpoint, at: placeOf(endpoint) };
  return { address: `AWS ${region ?? ''}`.trim(), at: undefined };
}

/** Of several brokers each is tried in turn. */
function onlyBroker(serviceUrl: string): HostAndPort | undefined {
  const [first, ...others] = parseServiceUrl(serviceUrl);
  return others.length === 0 ? first : undefined;
}

/** Of several endpoints each is tried in turn. */
function onlyEndpoint([first, ...others]: Settings['clickhouse']['endpoints']): HostAndPort | undefined {
  return first === undefined || first.proxy || others.length > 0 ? undefined : placeOf(first.url);
}

function placeOf(url: string): HostAndPort | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: port === '' ? usual : Number(port) };
}
