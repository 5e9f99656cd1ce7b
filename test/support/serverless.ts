import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../infra/local/cache.ts';
import { withLock } from '../../infra/local/lock.ts';
import { packageRoot } from '../../infra/local/package-root.ts';

const run = promisify(execFile);
const COMMAND = join(packageRoot, 'node_modules', '.bin', 'serverless');
const OUTPUT_BYTES = 32 * 1024 * 1024;

export type Parameters = Readonly<Record<string, string>>;
export type Variables = Readonly<Record<string, string | undefined>>;

/** What `serverless package` made, in a folder of its own. */
export interface Packaged {
  readonly folder: string;
  /** The CloudFormation template that a deployment ends with. */
  readonly templateFile: string;
  readonly template: Template;
  remove(): Promise<void>;
}

export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is looked into at arbitrary depth.
  readonly Properties: any;
}

/** Packages the service; one at a time, because its plugins work in fixed folders of the project. */
export async function packageService(
  parameters: Parameters,
  environment: Variables,
  stage = 'dev',
): Promise<Packaged> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-package-'));
  await withLock(join(cacheFolder(), 'package.lock'), async () => {
    await rm(join(packageRoot, '.esbuild'), { recursive: true, force: true });
    await serverless(['package', '--stage', stage], parameters, environment);
    await cp(join(packageRoot, '.serverless'), folder, { recursive: true });
  });
  const templateFile = join(folder, 'cloudformation-template-update-stack.json');
  return {
    folder,
    templateFile,
    template: JSON.parse(await readFile(templateFile, 'utf8')) as Template,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs the command as a user would and answers what it printed. @throws Error with its output when it fails. */
export async function serverless(
  words: readonly string[],
  parameters: Parameters,
  environment: Variables,
): Promise<string> {
  const given = Object.entries(parameters).map(([name, value]) => `--param=${name}=${value}`);
  try {
    const { stdout } = await run(COMMAND, [...words, ...given], {
      cwd: packageRoot,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_NO_WARNINGS: '1', ...environment },
      maxBuffer: OUTPUT_BYTES,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`serverless ${words.join(' ')} failed:\n${stdout}\n${stderr}`);
  }
}
