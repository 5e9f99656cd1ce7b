import type { Environment } from '../../ports/environment.ts';
import type { Log } from '../../ports/log.ts';
import type { AdminAccess } from '../admin/admin-api.ts';
import type { Authentication } from './net/authentication.ts';
import type { TlsOptions } from './net/socket.ts';

export interface WireOptions {
  /** `pulsar://host:port`, `pulsar+ssl://host:port`; several hosts separated by commas are tried in turn. */
  readonly serviceUrl: string;
  /** `http://host:port` of the admin API. Optional: what only it can tell stays unknown without it. */
  readonly adminUrl?: string | undefined;
  readonly authentication?: Authentication | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Name of the advertised listener to be sent to, for brokers that have several. */
  readonly listenerName?: string | undefined;
  /** Milliseconds any one request may take, within its caller's deadline. @default 30000 */
  readonly operationTimeout?: number | undefined;
  /** Milliseconds of silence on a connection before a ping; after two without an answer it is lost. @default 15000 */
  readonly keepAlive?: number | undefined;
  /** Most bytes that one entry may hold, decompressed, put together from chunks or not. @default 128 MiB */
  readonly maxEntryBytes?: number | undefined;
  /** Names of the readers' subscriptions begin with it: some namespaces want the role there. @default pulsehouse-reader */
  readonly readerPrefix?: string | undefined;
  readonly environment: Environment;
  readonly log: Log;
}

export const OPERATION_TIMEOUT = 30_000;
export const MAX_ENTRY_BYTES = 128 * 1024 * 1024;

/** Undefined without an admin URL. */
export function adminAccess(options: WireOptions): AdminAccess | undefined {
  const { adminUrl: url, authentication, tls, operationTimeout: timeout, environment } = options;
  return url === undefined ? undefined : { url, authentication, tls, timeout, environment };
}
