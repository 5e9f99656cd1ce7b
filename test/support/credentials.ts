import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM text and the files it stands in. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate authority of the test's own; openssl makes the keys. */
export class Authority {
  readonly folder: string;
  readonly certFile: string;

  constructor(folder: string) {
    this.folder = folder;
    this.certFile = join(folder, 'ca.pem');
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      ...[...['-keyout', join(folder, 'ca-key.pem')], ...['-out', this.certFile]],
    );
  }

  get cert(): string {
    return readFileSync(this.certFile, 'utf8');
  }

  /** @param names subject alternative names, such as `IP:127.0.0.1`. */
  issue(commonName: string, names: string): Certificate {
    const file = (suffix: string) => join(this.folder, `${commonName}${suffix}`);
    const extensions = file('.ext');
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${commonName}`,
      ...[...['-keyout', file('-key.pem')], ...['-out', file('.csr')]],
    );
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      file('.csr'),
      '-CAcreateserial',
      ...[
        ...['-CA', this.certFile],
        ...['-CAkey', join(this.folder, 'ca-key.pem')],
        ...['-extfile', extensions],
        ...['-out', file('.pem')],
      ],
    );
    const [certFile, keyFile] = [file('.pem'), file('-key.pem')];
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** A JSON web token for a role, as Pulsar's token provider takes it. `expires` in seconds since the epoch. */
export function tokenFor(role: string, secret: Buffer, expires?: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256' })}.${part({ sub: role, ...(expires !== undefined && { exp: expires }) })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
