import type { ProxyMode } from './tcp-proxy.ts';

export const SERVERS = ['pulsar', 'clickhouse', 'dynamodb-local', 'aws'] as const;
export type FaultyServer = (typeof SERVERS)[number];

/** A fault that strikes at an instant while a function is held at a point, and is over by itself after some seconds. */
export type Blow =
  /** The function process itself: ended, or stopped until its successor is done and woken then as a zombie. */
  | { readonly on: 'function'; readonly what: 'kill' | 'stop' }
  /** A server process: ended and started again on its data, or stopped for some seconds. */
  | { readonly on: FaultyServer; readonly what: 'kill' | 'stop' }
  /** The connection between the functions and a server, for some seconds. */
  | { readonly on: FaultyServer; readonly what: Exclude<ProxyMode, 'pass'> }
  /** Ended, and started again only after so many seconds. */
  | { readonly on: 'clickhouse'; readonly what: 'down'; readonly seconds: number };

/** A fault of one part only: the round looks at what the other parts do while it lasts. */
export type Outage =
  /** The topic of partition 0 cannot be opened: the broker never answers for it, or answers with an error of its storage. */
  | { readonly on: 'partition'; readonly what: 'silent' | 'refused' }
  /** The ClickHouse user's password is another one from now on, and so is the secret that functions fetch. */
  | { readonly on: 'password'; readonly what: 'rotate' }
  /** One function loses its right to the state table for a while. */
  | { readonly on: 'rights'; readonly what: 'deny' };

export type Fault = Blow | Outage;

const MINUTES_DOWN = 3;
/** It lasts longer than dozens of other rounds: drawn once in a hundred rounds. */
export const LONG_FAULT = { on: 'clickhouse', what: 'down', seconds: MINUTES_DOWN * 60 } as const;

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
  { on: 'partition', what: 'silent' },
  { on: 'partition', what: 'refused' },
  { on: 'password', what: 'rotate' },
  { on: 'rights', what: 'deny' },
];

export function faultName({ on, what }: Fault): string {
  return `${on} ${what}`;
}

export function isOutage(fault: Fault): fault is Outage {
  return fault.on === 'partition' || fault.on === 'password' || fault.on === 'rights';
}
