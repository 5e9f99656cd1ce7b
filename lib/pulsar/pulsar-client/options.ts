import type { Environment } from '../../ports/environment.ts';
import type { Log } from '../../ports/log.ts';

export interface PulsarClientOptions {
  /** `pulsar://host:port` or `pulsar+ssl://host:port`, several hosts separated by commas. */
  readonly serviceUrl: string;
  /** `http://host:port` of the admin API: the client itself can tell neither a last position nor a cursor. */
  readonly adminUrl: string | undefined;
  /** The token, or what gives the current one. Also sent to the admin API. */
  readonly token?: string | (() => Promise<string>) | undefined;
  /** File of PEM certificates to trust. The admin API follows Node's own (`NODE_EXTRA_CA_CERTS`). */
  readonly tlsTrustCertsFile?: string | undefined;
  /** Name of the advertised listener to be sent to, for brokers that have several. */
  readonly listenerName?: string | undefined;
  /** Names of the readers' subscriptions begin with it: some namespaces want the role there. @default pulsehouse-reader */
  readonly readerPrefix?: string | undefined;
  readonly environment: Environment;
  readonly log: Log;
}
