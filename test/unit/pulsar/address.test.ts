import { expect, it } from 'vitest';
import { formatAddress, parseServiceUrl } from '../../../lib/pulsar/wire/net/address.ts';

it.each([
  ['pulsar://broker:6650', ['broker:6650'], false],
  ['pulsar://broker', ['broker:6650'], false],
  ['pulsar+ssl://broker', ['broker:6651'], true],
  ['pulsar+ssl://a:1,b:2/', ['a:1', 'b:2'], true],
  ['pulsar://[::1]:6650', ['[::1]:6650'], false],
])('%s', (url, addresses, tls) => {
  const parsed = parseServiceUrl(url);
  expect(parsed.map(formatAddress)).toEqual(addresses);
  expect(parsed.every((address) => address.tls === tls)).toBe(true);
});

it.each([
  '',
  'broker:6650',
  'http://broker:8080',
  'pulsar://',
  'pulsar://a:b',
  'pulsar://a:99999',
  'pulsar://a:0',
])('refuses %s', (url) => {
  expect(() => parseServiceUrl(url)).toThrow(expect.objectContaining({ code: 'PH_PULSAR_URL_INVALID' }));
});
