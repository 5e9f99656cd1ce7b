import https from 'node:https';
import tls from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** How a server is reached, beyond its address. */
export interface Road {
  /** PEM. The authority is trusted besides Node's own; the certificate's name is verified always. */
  readonly tls?: {
    readonly ca: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
  /** `http(s)://[user:password@]host:port`, through which connections are tunnelled. */
  readonly proxy?: string | undefined;
}

type Trust = Pick<https.AgentOptions, 'ca' | 'cert' | 'key'>;
type Connect = HttpsProxyAgent<string>['connect'];

/** Connections to one server at most. */
export const MOST_CONNECTIONS = 256;

/** Undefined where the client's own agent does. */
export function agentOf(url: string, { tls: given, proxy }: Road): https.Agent | undefined {
  if (!url.startsWith('https:')) return undefined;
  const { ca, cert, key } = given ?? {};
  if (ca === undefined && cert === undefined && proxy === undefined) return undefined;
  const pooled = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
  const trust: Trust = {
    ...(ca !== undefined && { ca: [...tls.rootCertificates, ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  if (proxy === undefined) return new https.Agent({ ...pooled, ...trust });
  // It is an agent for either scheme; the client's types name Node's own two alone.
  return new TunnelAgent(proxy, pooled, trust) as unknown as https.Agent;
}

/** The agent keeps its own options for the connection to the proxy: what the server is trusted by goes with each tunnel. */
class TunnelAgent extends HttpsProxyAgent<string> {
  readonly #trust: Trust;

  constructor(proxy: string, pooled: https.AgentOptions, trust: Trust) {
    super(proxy, pooled);
    this.#trust = trust;
  }

  override connect(...[request, options]: Parameters<Connect>): ReturnType<Connect> {
    const { host = '' } = options;
    // Within a tunnel an address is no name to ask for, and would be compared as `localhost`.
    const checkServerIdentity: typeof tls.checkServerIdentity = (_, certificate) =>
      tls.checkServerIdentity(host, certificate);
    const verified = { ...this.#trust, checkServerIdentity };
    return super.connect(request, { ...options, ...verified });
  }
}

/** A client certificate without a password is the identity itself; ClickHouse takes no password beside it. */
export function identityHeaders(
  { tls: given }: Road,
  username: string,
  password: string,
): Readonly<Record<string, string>> | undefined {
  if (given?.cert === undefined || password !== '') return undefined;
  return { 'X-ClickHouse-User': username, 'X-ClickHouse-SSL-Certificate-Auth': 'on' };
}
