import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readSettings, type Variables } from '../../../lib/assembly/settings.ts';

const LEAST: Variables = {
  PULSAR_SERVICE_URL: 'pulsar://broker:6650',
  CLICKHOUSE_URL: 'https://clickhouse:8443',
  PULSEHOUSE_STATE_TABLE: 'state',
  PULSEHOUSE_BUCKET: 'snapshots',
};

function refusal(variables: Variables): string {
  try {
    readSettings({ ...LEAST, ...variables });
  } catch (error) {
    expect(error).toMatchObject({ code: 'PH_SETTINGS_INVALID', kind: 'terminal' });
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

describe('settings', () => {
  it('need four variables; the rest has defaults or is the SDK’s business', () => {
    const settings = readSettings(LEAST);
    expect(settings).toMatchObject({
      pulsar: {
        serviceUrl: 'pulsar://broker:6650',
        adminUrl: undefined,
        token: undefined,
        transport: 'wire',
      },
      clickhouse: { endpoints: [{ url: 'https://clickhouse:8443', proxy: undefined }], user: 'default' },
      dynamodb: { table: 'state', endpoint: undefined },
      s3: { bucket: 'snapshots', endpoint: undefined },
      region: undefined,
    });
    expect(settings.clickhouse.password.reveal()).toBe('');
  });

  it('take every variable, the service’s own AWS endpoint before the one for all', () => {
    const settings = readSettings({
      ...LEAST,
      PULSAR_SERVICE_URL: 'pulsar+ssl://a:6651,b:6651',
      PULSAR_ADMIN_URL: 'http://broker:8080',
      PULSAR_TOKEN: ' jwt ',
      CLICKHOUSE_USER: 'writer',
      CLICKHOUSE_PASSWORD: 'pass',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000',
      AWS_REGION: 'eu-central-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    });
    expect(settings).toMatchObject({
      pulsar: { serviceUrl: 'pulsar+ssl://a:6651,b:6651', adminUrl: 'http://broker:8080' },
      clickhouse: { user: 'writer' },
      dynamodb: { endpoint: 'http://127.0.0.1:8000' },
      s3: { endpoint: 'http://127.0.0.1:4566' },
      region: 'eu-central-1',
    });
    expect(settings.pulsar.token?.reveal()).toBe('jwt');
    expect(settings.clickhouse.password.reveal()).toBe('pass');
  });

  it('name every variable that is wrong at once', () => {
    const message = refusal({
      PULSAR_SERVICE_URL: '',
      CLICKHOUSE_URL: 'clickhouse:8123',
      PULSEHOUSE_STATE_TABLE: undefined,
      PULSEHOUSE_BUCKET: 'My_Bucket',
    });
    expect(message.split('\n')).toEqual([
      'PULSAR_SERVICE_URL is not set; set it for example to pulsar://127.0.0.1:6650',
      'CLICKHOUSE_URL is not a URL that begins with http:// or https://; set it for example to http://127.0.0.1:8123',
      'PULSEHOUSE_STATE_TABLE is not set; set it for example to pulsehouse',
      'PULSEHOUSE_BUCKET is "My_Bucket", which AWS takes for no such name; set it for example to my-pulsehouse',
    ]);
  });

  it.each([
    [{ PULSAR_SERVICE_URL: 'http://broker:8080' }, /^PULSAR_SERVICE_URL .* pulsar:\/\/ or pulsar\+ssl:\/\//],
    [{ PULSAR_ADMIN_URL: 'broker' }, /^PULSAR_ADMIN_URL is not a URL/],
    [{ PULSAR_TLS_CERT_FILE: 'a.pem' }, /^PULSAR_TLS_CERT_FILE is set without PULSAR_TLS_KEY_FILE; set both/],
    [{ PULSAR_TLS_CERT: 'PEM' }, /^PULSAR_TLS_CERT is set without PULSAR_TLS_KEY; set both/],
    [
      { PULSAR_TLS_CA: 'PEM', PULSAR_TLS_CA_FILE: 'a.pem' },
      /^PULSAR_TLS_CA and PULSAR_TLS_CA_FILE are both set/,
    ],
    [{ PULSAR_TLS_KEY_FILE: 'a.pem' }, /^PULSAR_TLS_KEY_FILE is set without PULSAR_TLS_CERT_FILE; set both/],
    [
      { PULSAR_OAUTH2_ISSUER_URL: 'https://issuer' },
      /^PULSAR_OAUTH2_CLIENT_ID is not set.*\nPULSAR_OAUTH2_CLIENT_SECRET/,
    ],
    [
      {
        PULSAR_TOKEN: 'jwt',
        PULSAR_OAUTH2_ISSUER_URL: 'https://issuer',
        PULSAR_OAUTH2_CLIENT_ID: 'a',
        PULSAR_OAUTH2_CLIENT_SECRET: 'b',
      },
      /^PULSAR_TOKEN and PULSAR_OAUTH2_ISSUER_URL are both set/,
    ],
    [
      { PULSAR_TRANSPORT: 'pulsar-client', PULSAR_TLS_CA_FILE: 'ca.pem' },
      /PULSAR_TLS_CA_FILE needs PULSAR_TRANSPORT=wire/,
    ],
    [{ PULSAR_TRANSPORT: 'kafka' }, /^PULSAR_TRANSPORT is "kafka"; set it to wire or pulsar-client$/],
    [{ AWS_ENDPOINT_URL: 'localhost' }, /^AWS_ENDPOINT_URL is not a URL[^\n]*$/],
  ])('refuse %o', (variables, message) => {
    expect(refusal(variables)).toMatch(message);
  });

  it('refuse credentials inside a URL, and do not repeat them', () => {
    const message = refusal({ CLICKHOUSE_URL: 'http://me:hunter2@clickhouse:8123' });
    expect(message).toContain('CLICKHOUSE_URL holds a user name or password');
    expect(message).not.toContain('hunter2');
  });

  it('show their secrets to nobody who does not ask for them', () => {
    const settings = readSettings({ ...LEAST, PULSAR_TOKEN: 'hunter2', CLICKHOUSE_PASSWORD: 'hunter2' });
    const { token } = settings.pulsar;
    expect(
      `${JSON.stringify(settings)} ${inspect(settings, { depth: 9, showHidden: true })} ${token}`,
    ).not.toContain('hunter2');
  });
});
