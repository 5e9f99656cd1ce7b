import net from 'node:net';
import tls from 'node:tls';
import { messageOf, PulsehouseError } from '../../../pipeline/errors.ts';
import { type BrokerAddress, formatAddress } from './address.ts';

/** One read of the kernel at most; the buffer is used again for the next one. */
const READ_BUFFER = 256 * 1024;

export interface TlsOptions {
  /** PEM certificates to trust instead of Node's own. */
  readonly ca?: string | undefined;
  /** Client certificate and key, PEM, for mutual TLS. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name the certificate must carry, where it is not the host connected to. */
  readonly serverName?: string | undefined;
  /** Accepts a certificate of any name, as long as the authority is trusted. */
  readonly dangerouslySkipHostName?: boolean | undefined;
}

export interface Opening {
  /** Milliseconds. */
  readonly timeout: number;
  /** Aborted: it ends at once. */
  readonly closing: AbortSignal;
}

export type OnBytes = (buffer: Uint8Array, length: number) => void;

/**
 * Connects. Bytes arrive in one buffer that is used again after `onBytes` returns.
 * @throws PulsehouseError PH_PULSAR_UNREACHABLE, PH_PULSAR_TLS when the certificate is not to be trusted
 */
export function openSocket(
  address: BrokerAddress,
  options: TlsOptions,
  { timeout, closing }: Opening,
  onBytes: OnBytes,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BUFFER),
      callback: (length: number, buffer: Uint8Array) => {
        onBytes(buffer, length);
        return true;
      },
    };
    const target = { host: address.host, port: address.port, noDelay: true, onread };
    const socket = address.tls
      ? tls.connect({ ...target, ...tlsSettings(address.host, options) })
      : net.connect(target);
    const fail = (cause: unknown): void => {
      closing.removeEventListener('abort', onClosing);
      socket.destroy();
      reject(
        new PulsehouseError(
          isUntrusted(cause) ? 'PH_PULSAR_TLS' : 'PH_PULSAR_UNREACHABLE',
          `cannot connect to ${formatAddress(address)}: ${messageOf(cause)}`,
          {
            where: { server: formatAddress(address) },
            cause,
          },
        ),
      );
    };
    const onTimeout = (): void => fail(new Error(`no connection within ${timeout} ms`));
    const onClosing = (): void => fail(new Error('the transport was closed'));
    closing.addEventListener('abort', onClosing);
    socket.setTimeout(Math.max(1, timeout), onTimeout);
    socket.once('error', fail);
    socket.once(address.tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', fail);
      socket.off('timeout', onTimeout);
      closing.removeEventListener('abort', onClosing);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** OpenSSL's verification results and Node's own name check; EPROTO is what a plain port makes of a TLS greeting. */
const UNTRUSTED =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|ERR_TLS_CERT_|ERR_SSL_|EPROTO)/;

/** Whether the other side's certificate, and not the way to it, is what is wrong. */
export function isUntrusted(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && UNTRUSTED.test(String(cause.code));
}

/** @param host as connected to, an IPv6 address without brackets. */
export function tlsSettings(host: string, options: TlsOptions): tls.ConnectionOptions {
  const name = options.serverName ?? host;
  return {
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(options.cert !== undefined && { cert: options.cert }),
    ...(options.key !== undefined && { key: options.key }),
    // An address is no name to send, but it is checked against the certificate all the same.
    ...(net.isIP(name) === 0 && { servername: name }),
    ...(options.dangerouslySkipHostName === true && { checkServerIdentity: () => undefined }),
  };
}
