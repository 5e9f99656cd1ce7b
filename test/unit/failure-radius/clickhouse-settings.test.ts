import { expect, it } from 'vitest';
import { isSparedProxy } from '../../../lib/assembly/no-proxy.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { compressionFor, hasZstd } from '../../../lib/clickhouse/compression/compression.ts';
import { identityHeaders } from '../../../lib/clickhouse/road.ts';

const LEAST = {
  PULSAR_SERVICE_URL: 'pulsar://broker:6650',
  CLICKHOUSE_URL: 'https://clickhouse.internal:8443',
  PULSEHOUSE_STATE_TABLE: 'state',
  PULSEHOUSE_BUCKET: 'snapshots',
};

it('CLICKHOUSE_URL may have a path, which is kept', () => {
  const url = 'https://gateway/clickhouse/';
  expect(readSettings({ ...LEAST, CLICKHOUSE_URL: url }).clickhouse.endpoints[0]?.url).toBe(url);
});

it('CLICKHOUSE_URL may name several endpoints, each with a proxy or without by its own name', () => {
  const urls = 'https://a.internal:8443, https://b.example/path/,http://c:8123';
  const variables = {
    ...LEAST,
    CLICKHOUSE_URL: urls,
    HTTPS_PROXY: 'http://proxy:3128',
    NO_PROXY: '.internal',
  };
  const { endpoints } = readSettings(variables).clickhouse;
  expect(endpoints.map(({ url, proxy }) => [url, proxy?.reveal()])).toEqual([
    ['https://a.internal:8443', undefined],
    ['https://b.example/path/', 'http://proxy:3128'],
    ['http://c:8123', undefined],
  ]);
  for (const wrong of ['https://a,', 'https://a,b:8443', 'https://a,https://user:secret@b'])
    expect(() => readSettings({ ...LEAST, CLICKHOUSE_URL: wrong })).toThrow(/CLICKHOUSE_URL/);
});

it.each(['https://clickhouse/?database=d', 'https://clickhouse/#part'])(
  'CLICKHOUSE_URL %s is refused, as what follows the path would be dropped',
  (url) => {
    expect(() => readSettings({ ...LEAST, CLICKHOUSE_URL: url })).toThrow(/query or a fragment/);
  },
);

it('a client certificate of ClickHouse comes with its key', () => {
  expect(() => readSettings({ ...LEAST, CLICKHOUSE_TLS_CERT_FILE: 'client.pem' })).toThrow(
    /CLICKHOUSE_TLS_CERT_FILE is set without CLICKHOUSE_TLS_KEY_FILE/,
  );
});

it('HTTPS_PROXY counts for https alone, and NO_PROXY spares what it names', () => {
  const proxied = { ...LEAST, HTTPS_PROXY: 'http://user:secret@proxy:3128' };
  const proxyOf = (changes: object) =>
    readSettings({ ...proxied, ...changes }).clickhouse.endpoints[0]?.proxy?.reveal();
  expect(proxyOf({})).toBe('http://user:secret@proxy:3128');
  expect(proxyOf({ CLICKHOUSE_URL: 'http://clickhouse.internal:8123' })).toBeUndefined();
  expect(proxyOf({ NO_PROXY: 'localhost,.internal' })).toBeUndefined();
  expect(() => readSettings({ ...LEAST, HTTPS_PROXY: 'proxy:3128' })).toThrow(/HTTPS_PROXY is not a URL/);
});

it.each([
  ['*', true],
  ['clickhouse.internal', true],
  ['.internal', true],
  ['*.internal', true],
  ['internal:8443', true],
  ['internal:443', false],
  ['house.internal', false],
  ['', false],
  [undefined, false],
])('NO_PROXY %s spares https://clickhouse.internal:8443: %s', (noProxy, spared) => {
  expect(isSparedProxy(new URL('https://clickhouse.internal:8443'), noProxy)).toBe(spared);
});

it('NO_PROXY spares addresses of both kinds, and the port that https has by itself', () => {
  expect(isSparedProxy(new URL('https://[::1]:8443'), '::1')).toBe(true);
  expect(isSparedProxy(new URL('https://10.0.0.1'), '10.0.0.1:443')).toBe(true);
});

it('a certificate is the identity where there is no password beside it', () => {
  const tls = { ca: undefined, cert: 'PEM', key: 'PEM' };
  expect(identityHeaders({ tls }, 'writer', '')).toEqual({
    'X-ClickHouse-User': 'writer',
    'X-ClickHouse-SSL-Certificate-Auth': 'on',
  });
  expect(identityHeaders({ tls }, 'writer', 'password')).toBeUndefined();
  expect(identityHeaders({ tls: { ...tls, cert: undefined } }, 'writer', '')).toBeUndefined();
});

it('CLICKHOUSE_COMPRESSION is none, lz4 or zstd, and zstd only where this Node has it', () => {
  const chosen = (value: string) =>
    readSettings({ ...LEAST, CLICKHOUSE_COMPRESSION: value }).clickhouse.compression;
  expect(['', 'none', 'lz4'].map(chosen)).toEqual([undefined, 'none', 'lz4']);
  expect(() => chosen('gzip')).toThrow(/CLICKHOUSE_COMPRESSION is "gzip"; set it to none or lz4 or zstd/);
  if (hasZstd) expect(chosen('zstd')).toBe('zstd');
  else expect(() => chosen('zstd')).toThrow(/Node has since 22.15 and 23.8; set it to lz4/);
});

it.each([
  ['http://127.0.0.1:8123', 'none'],
  ['http://127.8.0.1:8123/path', 'none'],
  ['http://[::1]:8123', 'none'],
  ['https://localhost:8443', 'none'],
  ['http://10.0.0.1:8123', 'lz4'],
  ['https://clickhouse.internal', 'lz4'],
  ['https://127.0.0.1.example', 'lz4'],
])('where nothing is said, bodies to %s travel by %s', (url, compression) => {
  expect(compressionFor(url)).toBe(compression);
});
