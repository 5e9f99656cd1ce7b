import net from 'node:net';
import { messageOf } from '../../pipeline/errors.ts';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** True where something accepts connections there; otherwise why not. Ends within `timeout` milliseconds. */
export function accepts({ host, port }: HostAndPort, timeout: number): Promise<true | string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout });
    const end = (found: true | string): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(`no connection within ${timeout} ms`));
    socket.once('error', (error) => end(messageOf(error)));
  });
}
