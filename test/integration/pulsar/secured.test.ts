import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../infra/local/ports.ts';
import { type Stack, startStack } from '../../../infra/local/stack.ts';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { openTransport } from '../../../lib/assembly/servers.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { readForgettingPolicies } from '../../../lib/pulsar/admin/forgetting-policies.ts';
import { TopicAdmin } from '../../../lib/pulsar/admin/topic-admin.ts';
import { topicCreatedAt } from '../../../lib/pulsar/admin/topic-facts.ts';
import { tlsAuthentication, tokenAuthentication } from '../../../lib/pulsar/wire/net/authentication.ts';
import { type OAuth2Options, oauth2Authentication } from '../../../lib/pulsar/wire/net/oauth2.ts';
import type { WireOptions } from '../../../lib/pulsar/wire/options.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { quiet, readEntries, soon } from '../../contract/transport/transport-under-test.ts';
import { Authority, tokenFor } from '../../support/credentials.ts';

const secret = randomBytes(32);
const admin = tokenFor('admin', secret);
const folder = mkdtempSync(join(tmpdir(), 'pulsehouse-secured-'));
const authority = new Authority(folder);
const server = authority.issue('broker', 'IP:127.0.0.1');
const certified = authority.issue('admin', 'DNS:client');
const stranger = new Authority(mkdtempSync(join(tmpdir(), 'pulsehouse-stranger-')));
let stack: Stack;
let serviceUrlTls: string;
let adminUrlTls: string;
let topics = 0;

beforeAll(async () => {
  const tlsPort = await freePort();
  const adminTlsPort = await freePort();
  serviceUrlTls = `pulsar+ssl://127.0.0.1:${tlsPort}`;
  adminUrlTls = `https://127.0.0.1:${adminTlsPort}`;
  stack = await startStack({
    directory: join(folder, 'stack'),
    servers: ['pulsar'],
    ephemeral: true,
    pulsar: {
      quickStart: true,
      adminToken: admin,
      configuration: [
        `brokerServicePortTls=${tlsPort}`,
        `webServicePortTls=${adminTlsPort}`,
        `tlsCertificateFilePath=${server.certFile}`,
        `tlsKeyFilePath=${server.keyFile}`,
        `tlsTrustCertsFilePath=${authority.certFile}`,
        'authenticationEnabled=true',
        'authorizationEnabled=true',
        'authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken,org.apache.pulsar.broker.authentication.AuthenticationProviderTls',
        `tokenSecretKey=data:;base64,${secret.toString('base64')}`,
        'superUserRoles=admin',
        'authenticationRefreshCheckSeconds=1',
        'brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken',
        `brokerClientAuthenticationParameters=token:${admin}`,
      ],
    },
  });
});

afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
  rmSync(stranger.folder, { recursive: true, force: true });
});

function plain(more: Partial<WireOptions>): WireOptions {
  const serviceUrl = stack.environment['PULSAR_SERVICE_URL'] ?? '';
  const adminUrl = stack.environment['PULSAR_ADMIN_URL'];
  return { serviceUrl, adminUrl, environment: systemEnvironment, log: quiet, ...more };
}

const asAdmin = tokenAuthentication(admin);

/** Publishes one message and reads it back, both with the same options. */
async function roundTrip(options: WireOptions): Promise<void> {
  const topic = `persistent://public/default/secured-${topics++}`;
  const producer = await openProducer(options, topic);
  const transport = createWireTransport(options);
  try {
    const position = await producer.send({ payload: Buffer.from('secret') });
    const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 1_000 }, soon());
    expect((await readEntries(reader, 1))[0]?.position).toEqual(position);
    await reader.close();
  } finally {
    await producer.close();
    await transport.close();
  }
}

async function refusal(options: WireOptions): Promise<unknown> {
  const transport = createWireTransport(options);
  try {
    return await transport
      .partitions('persistent://public/default/any', soon())
      .catch((error: unknown) => error);
  } finally {
    await transport.close();
  }
}

describe('tokens', () => {
  it('let in over a plain connection', () => roundTrip(plain({ authentication: asAdmin })));

  it('let in to the admin API too', async () => {
    const options = plain({ authentication: asAdmin });
    const topic = `persistent://public/default/secured-${topics++}`;
    const producer = await openProducer(options, topic);
    const transport = createWireTransport(options);
    expect(await transport.topicIdentity(topic, soon())).toBeDefined();
    const nobody = createWireTransport(
      plain({ authentication: tokenAuthentication(tokenFor('nobody', secret)) }),
    );
    expect(await nobody.topicIdentity(topic, soon())).toBeUndefined();
    await Promise.all([transport.close(), nobody.close(), producer.close()]);
  });

  it('of a role that may consume show all that reading asks the admin API for, and no policies', async () => {
    const topic = `persistent://public/default/secured-${topics++}`;
    const producer = await openProducer(plain({ authentication: asAdmin }), topic);
    const position = await producer.send({ payload: Buffer.from('x') });
    const url = stack.environment['PULSAR_ADMIN_URL'] ?? '';
    const granted = await fetch(`${url}/admin/v2/namespaces/public/default/permissions/reader`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: '["consume"]',
    });
    expect(granted.status).toBe(204);
    const authentication = tokenAuthentication(tokenFor('reader', secret));
    const access = { url, authentication, environment: systemEnvironment };
    const asked = new TopicAdmin(access);
    expect((await asked.stats(topic, soon())).last).toEqual(position);
    expect(await asked.entryAt(topic, position, soon())).toBe('message');
    expect(await topicCreatedAt(access, quiet, topic, soon())).toBeDefined();
    await expect(readForgettingPolicies(access, topic, soon())).rejects.toMatchObject({
      code: 'PH_PULSAR_AUTHORIZATION',
    });
    await producer.close();
  });

  it.each([
    ['none', undefined],
    ['one signed with another secret', tokenAuthentication(tokenFor('admin', randomBytes(32)))],
    ['one that ran out', tokenAuthentication(tokenFor('admin', secret, 1_000))],
    ['something else', tokenAuthentication('not a token')],
  ])('%s is refused for good, with the name of the setting', async (_what, authentication) => {
    expect(await refusal(plain({ authentication }))).toMatchObject({
      code: 'PH_PULSAR_AUTHENTICATION',
      kind: 'terminal',
      nextStep: expect.stringContaining('PULSAR_TOKEN'),
    });
  });

  it('of a role without the permission are refused for good', async () => {
    const authentication = tokenAuthentication(tokenFor('nobody', secret));
    expect(await refusal(plain({ authentication }))).toMatchObject({
      code: 'PH_PULSAR_AUTHORIZATION',
      kind: 'terminal',
    });
  });

  it('of a role that subscriptions must begin with read, acknowledge and ask by the name that is configured', async () => {
    const url = `${stack.environment['PULSAR_ADMIN_URL']}/admin/v2/namespaces/public/prefixed`;
    const asked = async (method: string, path: string, body?: string) => {
      const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' };
      expect((await fetch(`${url}${path}`, { method, headers, ...(body && { body }) })).status).toBe(204);
    };
    await asked('PUT', '');
    await asked('POST', '/permissions/ingest', '["consume"]');
    await asked('POST', '/subscriptionAuthMode', '"Prefix"');
    const topic = 'persistent://public/prefixed/events';
    const producer = await openProducer(plain({ authentication: asAdmin }), topic);
    const position = await producer.send({ payload: Buffer.from('x') });
    const settings = readSettings({
      PULSAR_SERVICE_URL: stack.environment['PULSAR_SERVICE_URL'],
      PULSAR_TOKEN: tokenFor('ingest', secret),
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
      PULSEHOUSE_STATE_TABLE: 'state',
      PULSEHOUSE_BUCKET: 'bucket',
    });
    const around = { environment: systemEnvironment, log: quiet };
    const subscription = 'ingest-iot';
    const transport = await openTransport(settings, around, { subscription });
    await transport.ensureSubscription(topic, subscription, { at: 'earliest' }, soon());
    expect(await transport.lastPosition(topic, soon())).toEqual(position);
    const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 1_000 }, soon());
    expect((await readEntries(reader, 1))[0]?.position).toEqual(position);
    await reader.close();
    await transport.acknowledge(topic, subscription, position, soon(), () => undefined);
    const found = await transport.subscriptionState(topic, subscription, soon());
    expect(found?.markDelete).toEqual(position);
    await transport.close();

    const other = await openTransport(settings, around, { subscription: 'pulsehouse-iot' });
    const refused = other.ensureSubscription(topic, 'pulsehouse-iot', { at: 'earliest' }, soon());
    await expect(refused).rejects.toMatchObject({
      code: 'PH_PULSAR_AUTHORIZATION',
      nextStep: expect.stringContaining('`subscription`'),
    });
    await expect(other.lastPosition(topic, soon())).rejects.toMatchObject({
      code: 'PH_PULSAR_AUTHORIZATION',
    });
    await Promise.all([other.close(), producer.close()]);
  });

  it('never stand in an error', async () => {
    const token = tokenFor('nobody', secret);
    const error = await refusal(plain({ authentication: tokenAuthentication(token) }));
    expect(JSON.stringify([error, String(error)])).not.toContain(token);
  });

  it('are renewed on AUTH_CHALLENGE, over the same connection', async () => {
    let asked = 0;
    const authentication = tokenAuthentication(async () => {
      asked++;
      return tokenFor('admin', secret, Math.floor(Date.now() / 1000) + 3);
    });
    const lost: string[] = [];
    const options = plain({ authentication, log: { ...quiet, info: (message) => lost.push(message) } });
    const topic = `persistent://public/default/secured-${topics++}`;
    const producer = await openProducer(plain({ authentication: asAdmin }), topic);
    await producer.send({ payload: Buffer.from('before') });
    const transport = createWireTransport(options);
    const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 1_000 }, soon());
    await readEntries(reader, 1);
    const atFirst = asked;
    await expect.poll(() => asked).toBeGreaterThan(atFirst + 1);
    await producer.send({ payload: Buffer.from('after') });
    await readEntries(reader, 1);
    expect(lost).toEqual([]);
    await transport.close();
    await producer.close();
  });
});

describe('OAuth2 client credentials', () => {
  /** An issuer as small as one can be: discovery, and a token endpoint that checks the client. */
  async function withIssuer(use: (issuerUrl: string, granted: () => number) => Promise<void>): Promise<void> {
    let granted = 0;
    const issuer = createServer(async (request, response) => {
      const base = `http://${request.headers.host}`;
      const answer = (status: number, body: unknown): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (request.url?.startsWith('/.well-known/')) {
        answer(200, { issuer: base, token_endpoint: `${base}/token` });
        return;
      }
      const form = new URLSearchParams(await text(request));
      if (form.get('client_secret') !== 'right' || form.get('audience') !== 'pulsar') {
        answer(401, { error: 'invalid_client' });
        return;
      }
      granted++;
      const expires = Math.floor(Date.now() / 1000) + 3_600;
      const token = {
        access_token: tokenFor('admin', secret, expires),
        token_type: 'bearer',
        expires_in: 3_600,
      };
      answer(200, token);
    });
    issuer.listen(await freePort(), '127.0.0.1');
    await once(issuer, 'listening');
    const address = issuer.address();
    try {
      await use(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, () => granted);
    } finally {
      issuer.close();
    }
  }

  const clientOf = (issuerUrl: string, clientSecret: string): OAuth2Options => ({
    issuerUrl,
    clientId: 'pulsehouse',
    clientSecret,
    audience: 'pulsar',
    dangerouslyAllowHttp: true,
  });

  it('let in with a token of the issuer, asked for once', () =>
    withIssuer(async (issuerUrl, granted) => {
      const authentication = oauth2Authentication(clientOf(issuerUrl, 'right'), systemEnvironment);
      await roundTrip(plain({ authentication }));
      await roundTrip(plain({ authentication }));
      expect(granted()).toBe(1);
    }));

  it('refused by the issuer are refused for good, without the secret in the error', () =>
    withIssuer(async (issuerUrl) => {
      const authentication = oauth2Authentication(clientOf(issuerUrl, 'wrong'), systemEnvironment);
      const error = await refusal(plain({ authentication }));
      expect(error).toMatchObject({ code: 'PH_PULSAR_AUTHENTICATION', kind: 'terminal' });
      expect(JSON.stringify([error, String(error)])).not.toContain('wrong');
    }));
});

describe('TLS', () => {
  const encrypted = (more: Partial<WireOptions> = {}): WireOptions =>
    plain({ serviceUrl: serviceUrlTls, authentication: asAdmin, tls: { ca: authority.cert }, ...more });

  it('reads and publishes over it, the name verified', () => roundTrip(encrypted()));

  it('takes a client certificate for the identity', () =>
    roundTrip(
      encrypted({
        authentication: tlsAuthentication,
        tls: { ca: authority.cert, cert: certified.cert, key: certified.key },
      }),
    ));

  it('is spoken to the admin API with the same authority and certificate', async () => {
    const topic = `persistent://public/default/secured-${topics++}`;
    const producer = await openProducer(encrypted(), topic);
    const withCertificate = {
      authentication: tlsAuthentication,
      tls: { ca: authority.cert, cert: certified.cert, key: certified.key },
    };
    for (const more of [{}, withCertificate]) {
      const transport = createWireTransport(encrypted({ adminUrl: adminUrlTls, ...more }));
      expect(await transport.topicIdentity(topic, soon())).toMatch(/^\d{4}-/);
      await transport.close();
    }
    const distrusting = createWireTransport(encrypted({ adminUrl: adminUrlTls, tls: { ca: stranger.cert } }));
    await expect(distrusting.topicIdentity(topic, soon())).rejects.toMatchObject({
      code: 'PH_PULSAR_TLS',
      kind: 'terminal',
      where: { server: adminUrlTls },
    });
    await Promise.all([distrusting.close(), producer.close()]);
  });

  it('is put together from the environment, a missing file named by its variable', async () => {
    const variables = {
      PULSAR_SERVICE_URL: serviceUrlTls,
      PULSAR_TLS_CA_FILE: authority.certFile,
      PULSAR_TLS_CERT_FILE: certified.certFile,
      PULSAR_TLS_KEY_FILE: certified.keyFile,
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
      PULSEHOUSE_STATE_TABLE: 'state',
      PULSEHOUSE_BUCKET: 'bucket',
    };
    const around = { environment: systemEnvironment, log: quiet };
    const transport = await openTransport(readSettings(variables), around);
    const topic = `persistent://public/default/secured-${topics++}`;
    const producer = await openProducer(encrypted(), topic);
    expect(await transport.partitions(topic, soon())).toEqual([topic]);
    const texts = {
      PULSAR_TLS_CA_FILE: '',
      PULSAR_TLS_CERT_FILE: '',
      PULSAR_TLS_KEY_FILE: '',
      PULSAR_TLS_CA: authority.cert,
      PULSAR_TLS_CERT: certified.cert,
      PULSAR_TLS_KEY: certified.key,
    };
    const fromTexts = await openTransport(readSettings({ ...variables, ...texts }), around);
    expect(await fromTexts.partitions(topic, soon())).toEqual([topic]);
    await Promise.all([producer.close(), transport.close(), fromTexts.close()]);
    const absent = readSettings({ ...variables, PULSAR_TLS_CA_FILE: join(folder, 'absent.pem') });
    await expect(openTransport(absent, around)).rejects.toMatchObject({
      code: 'PH_SETTINGS_INVALID',
      message: expect.stringContaining('PULSAR_TLS_CA_FILE'),
    });
  });

  it('refuses an authority it was not told to trust, for good', async () => {
    expect(await refusal(encrypted({ tls: { ca: stranger.cert } }))).toMatchObject({
      code: 'PH_PULSAR_TLS',
      kind: 'terminal',
    });
    expect(await refusal(encrypted({ tls: {} }))).toMatchObject({ code: 'PH_PULSAR_TLS' });
  });

  it('refuses a certificate of another name, unless told otherwise', async () => {
    const serviceUrl = serviceUrlTls.replace('127.0.0.1', 'localhost');
    expect(await refusal(encrypted({ serviceUrl }))).toMatchObject({
      code: 'PH_PULSAR_TLS',
      kind: 'terminal',
    });
    const named = encrypted({ serviceUrl, tls: { ca: authority.cert, dangerouslySkipHostName: true } });
    await roundTrip(named);
  });

  it('spoken to a plain port is one clear error', async () => {
    const serviceUrl = (stack.environment['PULSAR_SERVICE_URL'] ?? '').replace('pulsar:', 'pulsar+ssl:');
    expect(await refusal(encrypted({ serviceUrl }))).toMatchObject({
      code: expect.stringMatching(/^PH_PULSAR_(TLS|UNREACHABLE)$/),
    });
  });
});
