/** Where an AWS service is; what is left out comes from the SDK's own environment, profile or role. */
export interface AwsEndpoint {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** One try of one request, milliseconds. A reply lost on the way is asked for again while the deadline allows it. */
const TRY_TIMEOUT = 5_000;
const CONNECT_TIMEOUT = 2_000;

/**
 * The SDK's standard strategy retries throttling and what it calls transient (connection errors, timeouts, answers
 * 500, 502, 503 and 504) with jittered back-off. The call's deadline bounds it, and a quota that all calls of a client
 * share, so that a burst of failures ends early instead of adding to the load. Repeating is safe because every write of
 * this project is conditional on what it replaces, or create-only, or writes the same again.
 */
const TRIES = 8;

export function awsClientOptions(at: AwsEndpoint) {
  return {
    ...(at.endpoint === undefined ? {} : { endpoint: at.endpoint }),
    ...(at.region === undefined ? {} : { region: at.region }),
    ...(at.credentials === undefined ? {} : { credentials: at.credentials }),
    maxAttempts: TRIES,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: TRY_TIMEOUT,
      throwOnRequestTimeout: true,
    },
  };
}
