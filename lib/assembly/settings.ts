import { COMPRESSIONS, type Compression, hasZstd } from '../clickhouse/compression/compression.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { isSparedProxy } from './no-proxy.ts';
import { Secret } from './secret.ts';

/** Environment variables as a record; a deployment fills in its secrets before it comes here. */
export type Variables = Readonly<Record<string, string | undefined>>;

const PULSAR_TRANSPORTS = ['wire', 'pulsar-client'] as const;

/** ClickHouse's own names. RowBinary only where the mapping allows it. */
const ROW_FORMATS = ['RowBinary', 'JSONEachRow'] as const;

/** PEM, as a file's path or as the text itself. A client certificate is the identity where neither a token nor OAuth2 is. */
export interface Tls {
  readonly ca: Pem | undefined;
  readonly cert: Pem | undefined;
  readonly key: Pem | undefined;
}

export type Pem =
  | { readonly text: Secret }
  /** The variable is named when the file cannot be read. */
  | { readonly file: string; readonly variable: string };

/** Client credentials. */
export interface PulsarOAuth2 {
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly audience: string | undefined;
  readonly scope: string | undefined;
}

export interface ClickHouseEndpoint {
  readonly url: string;
  /** For `https` alone, as HTTPS_PROXY and NO_PROXY say. It may hold a password. */
  readonly proxy: Secret | undefined;
}

/** Where the servers are. Region and credentials of AWS, where not said here, are the SDK's own business. */
export interface Settings {
  readonly pulsar: {
    readonly serviceUrl: string;
    /** Optional: what only the admin API can tell stays unknown without it. */
    readonly adminUrl: string | undefined;
    readonly token: Secret | undefined;
    /** The advertised listener to be sent to, for brokers that have several. */
    readonly listenerName: string | undefined;
    readonly transport: (typeof PULSAR_TRANSPORTS)[number];
    readonly tls: Tls;
    readonly oauth2: PulsarOAuth2 | undefined;
  };
  readonly clickhouse: {
    /** Ways to one server, in the order in which they are tried. */
    readonly endpoints: readonly ClickHouseEndpoint[];
    readonly user: string;
    readonly password: Secret;
    readonly tls: Tls;
    /** Undefined: by the address. */
    readonly compression: Compression | undefined;
    readonly rowFormat: (typeof ROW_FORMATS)[number];
  };
  readonly dynamodb: { readonly table: string; readonly endpoint: string | undefined };
  readonly s3: { readonly bucket: string; readonly endpoint: string | undefined };
  readonly region: string | undefined;
}

/**
 * Reads the connection settings from environment variables; an empty one counts as not set.
 * @throws PulsehouseError PH_SETTINGS_INVALID that names every variable that is wrong, and what to set.
 */
export function readSettings(variables: Variables): Settings {
  const reader = new VariableReader(variables);
  const settings: Settings = {
    pulsar: {
      serviceUrl: reader.urls('PULSAR_SERVICE_URL', ['pulsar:', 'pulsar+ssl:'], 'pulsar://127.0.0.1:6650'),
      adminUrl: reader.optionalUrl('PULSAR_ADMIN_URL', HTTP, 'http://127.0.0.1:8080'),
      token: reader.secret('PULSAR_TOKEN'),
      listenerName: reader.optional('PULSAR_LISTENER_NAME'),
      transport: reader.oneOf('PULSAR_TRANSPORT', PULSAR_TRANSPORTS),
      tls: reader.tls('PULSAR_TLS'),
      oauth2: readOAuth2(reader),
    },
    clickhouse: {
      endpoints: reader.places('CLICKHOUSE_URL', HTTP, 'http://127.0.0.1:8123'),
      user: reader.optional('CLICKHOUSE_USER') ?? 'default',
      password: reader.secret('CLICKHOUSE_PASSWORD') ?? new Secret(''),
      tls: reader.tls('CLICKHOUSE_TLS'),
      compression: reader.compression('CLICKHOUSE_COMPRESSION'),
      rowFormat: reader.oneOf('CLICKHOUSE_ROW_FORMAT', ROW_FORMATS),
    },
    dynamodb: {
      table: reader.matching('PULSEHOUSE_STATE_TABLE', /^[\w.-]{3,255}$/, 'pulsehouse'),
      endpoint: reader.awsEndpoint('AWS_ENDPOINT_URL_DYNAMODB'),
    },
    s3: {
      bucket: reader.matching('PULSEHOUSE_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'my-pulsehouse'),
      endpoint: reader.awsEndpoint('AWS_ENDPOINT_URL_S3'),
    },
    region: reader.optional('AWS_REGION') ?? reader.optional('AWS_DEFAULT_REGION'),
  };
  reader.apart('PULSAR_TOKEN', 'PULSAR_OAUTH2_ISSUER_URL');
  if (settings.pulsar.transport === 'pulsar-client') {
    for (const name of ONLY_WIRE) reader.needs(name, 'PULSAR_TRANSPORT=wire');
  }
  reader.finish();
  return settings;
}

/** What the official client is not given. */
const ONLY_WIRE = [
  'PULSAR_TLS_CA_FILE',
  'PULSAR_TLS_CERT_FILE',
  'PULSAR_TLS_CA',
  'PULSAR_TLS_CERT',
  'PULSAR_OAUTH2_ISSUER_URL',
] as const;

function readOAuth2(reader: VariableReader): PulsarOAuth2 | undefined {
  const issuerUrl = reader.optionalUrl('PULSAR_OAUTH2_ISSUER_URL', ['https:'], 'https://issuer.example');
  if (issuerUrl === undefined) return undefined;
  return {
    issuerUrl,
    clientId: reader.required('PULSAR_OAUTH2_CLIENT_ID', 'pulsehouse'),
    clientSecret: new Secret(reader.required('PULSAR_OAUTH2_CLIENT_SECRET', 'the secret of that client')),
    audience: reader.optional('PULSAR_OAUTH2_AUDIENCE'),
    scope: reader.optional('PULSAR_OAUTH2_SCOPE'),
  };
}

const HTTP = ['http:', 'https:'];

/** Collects what is wrong instead of stopping at the first. What it answers for a wrong variable is never used. */
class VariableReader {
  readonly #variables: Variables;
  readonly #problems: string[] = [];

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  optional(name: string): string | undefined {
    const value = this.#variables[name]?.trim();
    return value === '' ? undefined : value;
  }

  secret(name: string): Secret | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : new Secret(value);
  }

  /** The text is what a secret's place is filled in with. */
  pem(name: string): Pem | undefined {
    const variable = `${name}_FILE`;
    this.apart(name, variable);
    const text = this.secret(name);
    if (text) return { text };
    const file = this.optional(variable);
    return file === undefined ? undefined : { file, variable };
  }

  /** A client certificate comes with its key. */
  tls(name: string): Tls {
    this.together(`${name}_CERT_FILE`, `${name}_KEY_FILE`);
    this.together(`${name}_CERT`, `${name}_KEY`);
    return { ca: this.pem(`${name}_CA`), cert: this.pem(`${name}_CERT`), key: this.pem(`${name}_KEY`) };
  }

  /** URLs with nothing after their paths: what stands there would be dropped, or go into every request. */
  places(name: string, protocols: readonly string[], example: string): readonly ClickHouseEndpoint[] {
    const urls = this.#required(name, example)?.split(',') ?? [];
    return urls.map((text) => {
      const url = text.trim();
      this.#checkUrl(name, url, protocols, example);
      if (/[?#]/.test(url)) {
        this.#problems.push(`${name} has a query or a fragment; set it without, for example to ${example}`);
      }
      return { url, proxy: this.#proxyOf(url) };
    });
  }

  /** Several hosts after one scheme, separated by commas, as Pulsar's clients take them. */
  urls(name: string, protocols: readonly string[], example: string): string {
    const value = this.#required(name, example);
    const first = value?.replace(/,[^/]*/, '');
    if (first !== undefined) this.#checkUrl(name, first, protocols, example);
    return value ?? '';
  }

  optionalUrl(name: string, protocols: readonly string[], example: string): string | undefined {
    const value = this.optional(name);
    if (value !== undefined) this.#checkUrl(name, value, protocols, example);
    return value;
  }

  /** The service's own variable wins over the one for all of AWS, as in the SDK. */
  awsEndpoint(name: string): string | undefined {
    const example = 'http://127.0.0.1:4566';
    return this.optionalUrl(name, HTTP, example) ?? this.optionalUrl('AWS_ENDPOINT_URL', HTTP, example);
  }

  oneOf<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Value {
    const value = this.optional(name);
    const found = values.find((known) => known === value);
    if (value !== undefined && found === undefined) {
      this.#problems.push(`${name} is "${value}"; set it to ${values.join(' or ')}`);
    }
    return found ?? values[0];
  }

  /** Undefined where the address decides. */
  compression(name: string): Compression | undefined {
    if (this.optional(name) === undefined) return undefined;
    const chosen = this.oneOf(name, COMPRESSIONS);
    if (chosen === 'zstd' && !hasZstd) {
      this.#problems.push(
        `${name} is "zstd", which Node has since 22.15 and 23.8; set it to lz4, or take a newer Node than ${process.versions.node}`,
      );
    }
    return chosen;
  }

  matching(name: string, pattern: RegExp, example: string): string {
    const value = this.#required(name, example) ?? '';
    if (value !== '' && !pattern.test(value)) {
      this.#problems.push(
        `${name} is "${value}", which AWS takes for no such name; set it for example to ${example}`,
      );
    }
    return value;
  }

  required(name: string, example: string): string {
    return this.#required(name, example) ?? '';
  }

  together(one: string, other: string): void {
    const [set, missing] = this.optional(one) === undefined ? [other, one] : [one, other];
    if (this.optional(set) !== undefined && this.optional(missing) === undefined) {
      this.#problems.push(`${set} is set without ${missing}; set both or neither`);
    }
  }

  apart(one: string, other: string): void {
    if (this.optional(one) !== undefined && this.optional(other) !== undefined) {
      this.#problems.push(`${one} and ${other} are both set; set one of them`);
    }
  }

  needs(name: string, condition: string): void {
    if (this.optional(name) !== undefined) this.#problems.push(`${name} needs ${condition}`);
  }

  /** @throws PulsehouseError PH_SETTINGS_INVALID */
  finish(): void {
    if (this.#problems.length === 0) return;
    throw new PulsehouseError('PH_SETTINGS_INVALID', [...new Set(this.#problems)].join('\n'));
  }

  #required(name: string, example: string): string | undefined {
    const value = this.optional(name);
    if (value === undefined) this.#problems.push(`${name} is not set; set it for example to ${example}`);
    return value;
  }

  #proxyOf(url: string): Secret | undefined {
    const proxy = this.optional('HTTPS_PROXY') ?? this.optional('https_proxy');
    if (proxy === undefined || !url.startsWith('https:') || !URL.canParse(url)) return undefined;
    if (isSparedProxy(new URL(url), this.optional('NO_PROXY') ?? this.optional('no_proxy'))) return undefined;
    if (!URL.canParse(proxy) || !HTTP.includes(new URL(proxy).protocol)) {
      this.#problems.push('HTTPS_PROXY is not a URL that begins with http:// or https://');
    }
    return new Secret(proxy);
  }

  /** Never repeats the value: people put credentials into URLs. */
  #checkUrl(name: string, value: string, protocols: readonly string[], example: string): void {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const fix = `set it for example to ${example}`;
    if (!url || !protocols.includes(url.protocol) || url.host === '') {
      this.#problems.push(`${name} is not a URL that begins with ${protocols.join('// or ')}//; ${fix}`);
    } else if (url.username !== '' || url.password !== '') {
      this.#problems.push(`${name} holds a user name or password; they have variables of their own; ${fix}`);
    }
  }
}
