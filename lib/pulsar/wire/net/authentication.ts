import type { AuthenticationData } from '../commands/connect.ts';

/** Asked for on every connect and every challenge of the broker, so that a renewed secret is used without a restart. */
export interface Authentication {
  /** Pulsar's name of the method. */
  readonly method: string;
  data(): Promise<Uint8Array>;
}

/** @param token the token, or what gives the current one. */
export function tokenAuthentication(token: string | (() => Promise<string>)): Authentication {
  return {
    method: 'token',
    data: async () => Buffer.from((typeof token === 'string' ? token : await token()).trim()),
  };
}

/** The certificate of the TLS connection is the identity: nothing else is sent. */
export const tlsAuthentication: Authentication = {
  method: 'tls',
  data: async () => new Uint8Array(0),
};

export async function authenticationData(
  authentication: Authentication | undefined,
): Promise<AuthenticationData | undefined> {
  return authentication && { method: authentication.method, data: await authentication.data() };
}
