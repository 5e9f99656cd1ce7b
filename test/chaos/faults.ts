import type { ProxyMode } from './tcp-proxy.ts';

export const SERVERS = ['pulsar', 'clickhouse', 'dynamodb-local', 'aws'] as const;
export type FaultyServer = (typeof SERVERS)[number];

/** What strikes while a function is held at a point. */
export type Fault =
  /** The function process itself: ended, or stopped until its successor is done and woken then as a zombie. */
  | { readonly on: 'function'; readonly what: 'kill' | 'stop' }
  /** A server process: ended and started again on its data, or stopped for some seconds. */
  | { readonly on: FaultyServer; readonly what: 'kill' | 'stop' }
  /** The connection between the functions and a server, for some seconds. */
  | { readonly on: FaultyServer; readonly what: Exclude<ProxyMode, 'pass'> };

/** The emulator of S3 saves nothing when it is killed: there only pauses and the proxy. */
export const FAULTS: readonly Fault[] = [
  { on: 'function', what: 'kill' },
  { on: 'function', what: 'stop' },
  ...SERVERS.flatMap((on): Fault[] => [
    ...(on === 'aws' ? [] : [{ on, what: 'kill' } as const]),
    { on, what: 'stop' },
    { on, what: 'cut' },
    { on, what: 'delay' },
    { on, what: 'half-close' },
    { on, what: 'black-hole' },
  ]),
];

export function faultName({ on, what }: Fault): string {
  return `${on} ${what}`;
}
