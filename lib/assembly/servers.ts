import { readFile } from 'node:fs/promises';
import type { Server } from '../clickhouse/server.ts';
import type { StateTable } from '../dynamodb/state-table.ts';
import { messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import type { Transport } from '../ports/transport.ts';
import type { AdminAccess } from '../pulsar/admin/admin-api.ts';
import type { Authentication } from '../pulsar/wire/net/authentication.ts';
import type { Bucket } from '../s3/bucket.ts';
import type { Pem, Settings, Tls } from './settings.ts';

/** What every adapter is given besides its settings. */
export interface Surroundings {
  readonly environment: Environment;
  readonly log: Log;
}

// Each adapter is loaded only when it is asked for, so that a function's cold start pays for what it uses alone.

/** @throws PulsehouseError PH_PULSAR_URL_INVALID; PH_PULSAR_CLIENT_MISSING when that one was chosen and is not there. */
export async function openTransport(
  settings: Settings,
  around: Surroundings,
  { source, subscription }: Partial<Pick<Pipeline, 'source' | 'subscription'>> = {},
): Promise<Transport> {
  const { transport, token, tls, serviceUrl, adminUrl, listenerName } = settings.pulsar;
  // Where a namespace wants the role in front of every subscription's name, the configured one has it already.
  const readerPrefix = subscription && `${subscription}-reader`;
  const where = { serviceUrl, adminUrl, listenerName, readerPrefix };
  if (transport === 'pulsar-client') {
    const { createPulsarClientTransport } = await import('../pulsar/pulsar-client/transport.ts');
    return createPulsarClientTransport({ ...where, token: token?.reveal(), ...around });
  }
  const { createWireTransport } = await import('../pulsar/wire/transport.ts');
  return createWireTransport({
    ...where,
    authentication: await wireAuthentication(settings.pulsar, around.environment),
    tls: await readTls(tls),
    maxEntryBytes: source?.maxEntryBytes,
    ...around,
  });
}

/** The admin API, asked as whom the broker knows; undefined where none is named. */
export async function openAdmin(
  { pulsar }: Settings,
  { environment }: Surroundings,
): Promise<AdminAccess | undefined> {
  if (pulsar.adminUrl === undefined) return undefined;
  const authentication = await wireAuthentication(pulsar, environment);
  return { url: pulsar.adminUrl, authentication, tls: await readTls(pulsar.tls), environment };
}

async function readTls(tls: Tls): Promise<Record<keyof Tls, string | undefined>> {
  return { ca: await readPem(tls.ca), cert: await readPem(tls.cert), key: await readPem(tls.key) };
}

async function wireAuthentication(
  { token, oauth2, tls }: Settings['pulsar'],
  environment: Environment,
): Promise<Authentication | undefined> {
  const authentication = await import('../pulsar/wire/net/authentication.ts');
  if (token) return authentication.tokenAuthentication(token.reveal());
  if (oauth2) {
    const { oauth2Authentication } = await import('../pulsar/wire/net/oauth2.ts');
    return oauth2Authentication({ ...oauth2, clientSecret: oauth2.clientSecret.reveal() }, environment);
  }
  return tls.cert === undefined ? undefined : authentication.tlsAuthentication;
}

/** @throws PulsehouseError PH_SETTINGS_INVALID */
async function readPem(pem: Pem | undefined): Promise<string | undefined> {
  if (pem === undefined) return undefined;
  if ('text' in pem) return pem.text.reveal();
  try {
    return await readFile(pem.file, 'utf8');
  } catch (cause) {
    const message = `${pem.variable} names a file that cannot be read: ${messageOf(cause)}`;
    throw new PulsehouseError('PH_SETTINGS_INVALID', message, { cause });
  }
}

/** Every statement runs with the rights of the pipeline's role, where it names one. */
export async function openServer(
  settings: Settings,
  { targetOptions }: Pick<Pipeline, 'targetOptions'> = {},
): Promise<Server> {
  const { endpoints, user, password, tls, compression } = settings.clickhouse;
  const clickhouse = await import('../clickhouse/server.ts');
  return new clickhouse.Server({
    endpoints: endpoints.map(({ url, proxy }) => ({ url, proxy: proxy?.reveal() })),
    ...{ username: user, password: password.reveal(), tls: await readTls(tls) },
    role: targetOptions?.role,
    compression,
  });
}

export async function openStateTable(settings: Settings, { environment }: Surroundings): Promise<StateTable> {
  const dynamodb = await import('../dynamodb/state-table.ts');
  return dynamodb.openStateTable({ ...settings.dynamodb, region: settings.region, environment });
}

export async function openBucket(settings: Settings, { environment }: Surroundings): Promise<Bucket> {
  const s3 = await import('../s3/bucket.ts');
  return s3.openBucket({ ...settings.s3, region: settings.region, environment });
}
