import { messageOf, PulsehouseError } from '../../../pipeline/errors.ts';
import { redacted } from '../../../pipeline/redacted.ts';
import type { Environment } from '../../../ports/environment.ts';
import { type Authentication, tokenAuthentication } from './authentication.ts';

export interface OAuth2Options {
  /** `https://…`; its discovery document names the token endpoint. */
  readonly issuerUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience?: string | undefined;
  readonly scope?: string | undefined;
  /** Lets the issuer be spoken to without TLS. */
  readonly dangerouslyAllowHttp?: boolean | undefined;
}

/** A token is renewed this long before it runs out, milliseconds. */
const MARGIN = 10_000;

/**
 * Client credentials: the broker is shown the access token as its method `token` takes it. One token serves every
 * connection until shortly before its end; a challenge of the broker gets the one that is valid then.
 */
export function oauth2Authentication(options: OAuth2Options, environment: Environment): Authentication {
  let current: { readonly token: string; readonly renewAt: number } | undefined;
  return tokenAuthentication(async () => {
    if (current === undefined || environment.now() >= current.renewAt) {
      const { token, lifetime } = await requestToken(options);
      current = { token, renewAt: environment.now() + Math.max(0, lifetime - MARGIN) };
    }
    return current.token;
  });
}

async function requestToken(options: OAuth2Options): Promise<{ token: string; lifetime: number }> {
  // Loaded when it is used: most deployments authenticate otherwise, and cold starts pay for every module.
  const openid = await import('openid-client');
  try {
    const configuration = await openid.discovery(
      new URL(options.issuerUrl),
      options.clientId,
      options.clientSecret,
      undefined,
      options.dangerouslyAllowHttp ? { execute: [openid.allowInsecureRequests] } : {},
    );
    const granted = await openid.clientCredentialsGrant(configuration, {
      ...(options.audience !== undefined && { audience: options.audience }),
      ...(options.scope !== undefined && { scope: options.scope }),
    });
    return { token: granted.access_token, lifetime: (granted.expiresIn() ?? 0) * 1_000 };
  } catch (cause) {
    throw new PulsehouseError(
      'PH_PULSAR_AUTHENTICATION',
      `no access token: ${redacted(messageOf(cause), [options.clientSecret])}`,
      {
        where: { server: options.issuerUrl },
        nextStep: 'Check the issuer URL, the client id and its secret.',
        cause,
      },
    );
  }
}
