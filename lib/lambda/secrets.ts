import { awsClientOptions } from '../aws/client-options.ts';
import { adviceOnRefusal, isPassingFailure } from '../aws/failure.ts';
import { describeAwsError } from '../aws/request.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { parseSecretPlace } from './secret-place.ts';

/** Seconds. A secret that was changed is known by then even if the old one still works. */
const MAX_AGE = 300;

/** A service that does not answer ends the invocation after some 15 s; the next one asks again. */
const CLIENT = { clientConfig: { ...awsClientOptions({}), maxAttempts: 3 } };

/** One provider a service: Powertools' own cache, bounded by the few names a deployment has. */
interface SecretProvider {
  get(name: string, options: SecretOptions): Promise<unknown>;
}

interface SecretOptions {
  readonly maxAge: number;
  readonly forceFetch: boolean;
}

const providers: { ssm?: SecretProvider; secretsmanager?: SecretProvider } = {};

/** Environment variables that name a secret's place, and those the settings read the secret itself from. */
const PLACES = {
  PULSAR_TOKEN_FROM: 'PULSAR_TOKEN',
  PULSAR_OAUTH2_CLIENT_SECRET_FROM: 'PULSAR_OAUTH2_CLIENT_SECRET',
  PULSAR_TLS_CA_FROM: 'PULSAR_TLS_CA',
  PULSAR_TLS_CERT_FROM: 'PULSAR_TLS_CERT',
  PULSAR_TLS_KEY_FROM: 'PULSAR_TLS_KEY',
  CLICKHOUSE_PASSWORD_FROM: 'CLICKHOUSE_PASSWORD',
  CLICKHOUSE_TLS_CA_FROM: 'CLICKHOUSE_TLS_CA',
  CLICKHOUSE_TLS_CERT_FROM: 'CLICKHOUSE_TLS_CERT',
  CLICKHOUSE_TLS_KEY_FROM: 'CLICKHOUSE_TLS_KEY',
} as const;

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The environment with the secrets it names filled in; the process's own is left as it is, so that nothing prints them.
 * `fresh` asks the service even if the cache knows: for the one try after an authentication error.
 * @throws PulsehouseError PH_CONFIG_INVALID for a place of unknown form; PH_SECRET_UNREACHABLE (retryable) or
 * PH_SECRET_REFUSED (terminal) when it cannot be had.
 */
export async function withSecrets(variables: Variables, fresh: boolean): Promise<Variables> {
  const named = Object.entries(PLACES).flatMap(([from, to]) => {
    const place = variables[from];
    return place === undefined || place === '' ? [] : [[to, place] as const];
  });
  const found = await Promise.all(
    named.map(async ([to, place]) => [to, await readSecret(place, fresh)] as const),
  );
  return { ...variables, ...Object.fromEntries(found) };
}

async function readSecret(from: string, fresh: boolean): Promise<string> {
  const { service, name } = parseSecretPlace(from);
  const provider = await (service === 'ssm' ? parameterProvider() : secretProvider());
  try {
    return String(await provider.get(name, { maxAge: MAX_AGE, forceFetch: fresh }));
  } catch (error) {
    throw secretError(from, error);
  }
}

/** Powertools wraps what the SDK threw. */
function secretError(from: string, error: unknown): PulsehouseError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const nextStep = adviceOnRefusal(cause);
  return new PulsehouseError(
    isPassingFailure(cause) ? 'PH_SECRET_UNREACHABLE' : 'PH_SECRET_REFUSED',
    `${from}: ${describeAwsError(cause)}`,
    { cause: error, ...(nextStep === undefined ? {} : { nextStep }) },
  );
}

// Each client is loaded only when a secret of its service is asked for: neither belongs into a cold start without one.

async function parameterProvider(): Promise<SecretProvider> {
  if (!providers.ssm) {
    const { SSMProvider } = await import('@aws-lambda-powertools/parameters/ssm');
    const provider = new SSMProvider(CLIENT);
    providers.ssm = { get: (name, options) => provider.get(name, { ...options, decrypt: true }) };
  }
  return providers.ssm;
}

async function secretProvider(): Promise<SecretProvider> {
  if (!providers.secretsmanager) {
    const { SecretsProvider } = await import('@aws-lambda-powertools/parameters/secrets');
    const provider = new SecretsProvider(CLIENT);
    providers.secretsmanager = { get: (name, options) => provider.get(name, options) };
  }
  return providers.secretsmanager;
}
