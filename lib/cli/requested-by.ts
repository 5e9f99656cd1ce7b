import { hostname, userInfo } from 'node:os';

/** Who does it, for the record: `user@host`. */
export function requestedBy(): string {
  return `${process.env['PULSEHOUSE_USER'] ?? userInfo().username}@${hostname()}`;
}
