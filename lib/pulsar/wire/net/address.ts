import { PulsehouseError } from '../../../pipeline/errors.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * `pulsar://host:port` or `pulsar+ssl://host:port`; of several hosts separated by commas each one is an address.
 * @throws PulsehouseError PH_PULSAR_URL_INVALID
 */
export function parseServiceUrl(serviceUrl: string): readonly [BrokerAddress, ...BrokerAddress[]] {
  const match = /^(pulsar|pulsar\+ssl):\/\/([^/\s]+)\/?$/.exec(serviceUrl);
  if (!match)
    throw new PulsehouseError('PH_PULSAR_URL_INVALID', `"${serviceUrl}" is not a Pulsar service URL`);
  const tls = match[1] === 'pulsar+ssl';
  const [first, ...rest] = (match[2] ?? '')
    .split(',')
    .map((authority) => parseAuthority(authority, tls, serviceUrl));
  if (!first) throw new PulsehouseError('PH_PULSAR_URL_INVALID', `"${serviceUrl}" names no host`);
  return [first, ...rest];
}

function parseAuthority(authority: string, tls: boolean, serviceUrl: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? (tls ? 6651 : 6650) : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new PulsehouseError('PH_PULSAR_URL_INVALID', `"${authority}" in "${serviceUrl}" is not host:port`);
  }
  return { host, port, tls };
}

export function formatAddress(address: BrokerAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
