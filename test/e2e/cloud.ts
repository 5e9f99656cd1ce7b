import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { dirname, join } from 'node:path';
import { ensurePackage } from '../../infra/local/cache.ts';
import { awsAccount, ministack } from '../../infra/local/ministack.ts';
import { freePort } from '../../infra/local/ports.ts';
import { silent } from '../../infra/local/progress.ts';
import { Server } from '../../infra/local/server.ts';
import type { ServerPlan } from '../../infra/local/server-plan.ts';
import { nodeBinary } from '../support/node-runtime.ts';

/** What Lambda runs the functions under: the emulator takes whatever `node` it finds first. */
const NODE = 24;

/** An emulated cloud that enforces IAM and speaks TLS, so that roles and the TLS-only policies are put to the test. */
export interface Cloud {
  /** Addresses and credentials of the account's owner. */
  readonly environment: Readonly<Record<string, string>>;
  readonly certificate: string;
  /** Process ids of the sandboxes that a function has now. */
  sandboxes(functionName: string): readonly number[];
  stop(): Promise<void>;
}

export async function startCloud(directory: string): Promise<Cloud> {
  const { certificate, key } = makeCertificate(directory);
  const node = await nodeBinary(NODE);
  const plan: ServerPlan = {
    ...ministack,
    launch: async (place) => {
      const launch = await ministack.launch(place);
      return {
        ...launch,
        environment: {
          ...launch.environment,
          PATH: `${dirname(node)}:${process.env['PATH']}`,
          AUTH: 'true',
          USE_SSL: '1',
          MINISTACK_SSL_CERT: certificate,
          MINISTACK_SSL_KEY: key,
          // The functions inherit both from it.
          AWS_ENDPOINT_URL: `https://127.0.0.1:${place.ports[0]}`,
          NODE_EXTRA_CA_CERTS: certificate,
          LOG_LEVEL: 'INFO',
        },
      };
    },
    isReady: ([port]) => answers(`https://127.0.0.1:${port}/_ministack/health`, certificate),
  };
  const port = await freePort();
  const server = new Server(plan, await ensurePackage(plan.package, silent), join(directory, 'aws'), [port]);
  await server.start();
  return {
    environment: {
      ...awsAccount,
      AWS_ENDPOINT_URL: `https://127.0.0.1:${port}`,
      NODE_EXTRA_CA_CERTS: certificate,
    },
    certificate,
    sandboxes: (name) => processesWith(`AWS_LAMBDA_FUNCTION_NAME=${name}`, `GATEWAY_PORT=${port}`),
    stop: () => server.stop('SIGKILL'),
  };
}

function makeCertificate(directory: string) {
  mkdirSync(directory, { recursive: true });
  const certificate = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
  return { certificate, key };
}

async function answers(url: string, certificate: string): Promise<boolean> {
  try {
    const request = get(url, { ca: readFileSync(certificate), timeout: 2_000 });
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

/** Processes of this machine whose environment has all of the variables. */
function processesWith(...variables: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const environment = environmentOf(pid);
      return variables.every((variable) => environment.includes(variable));
    });
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // Ended in between, or somebody else's.
  }
}
