import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensurePackage, type ServerPackage } from '../../infra/local/cache.ts';
import { PIP, require } from '../../infra/local/prerequisites.ts';
import { silent } from '../../infra/local/progress.ts';

/** AWS's linter for CloudFormation with the resource schemas it ships; locked and cached like the servers. */
const cfnLint: ServerPackage = {
  name: 'cfn-lint',
  version: '1.58.0',
  bytes: 160_000_000,
  fetch: async ({ content, run }) => {
    await require(PIP, 'Fetching cfn-lint');
    await run(
      'python3',
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...['--require-hashes', '--only-binary=:all:', '--target', content],
      ...['-r', join(import.meta.dirname, 'cfn-lint.txt')],
    );
  },
};

/** What the linter says of a template's file: one string an error, none when there is nothing to say. */
export async function lintTemplate(file: string): Promise<readonly string[]> {
  const installed = await ensurePackage(cfnLint, silent);
  const { status, stdout, stderr } = spawnSync(
    'python3',
    [join(installed, 'bin', 'cfn-lint'), '--format', 'parseable', '--ignore-checks', 'W', '--', file],
    { encoding: 'utf8', env: { ...process.env, PYTHONPATH: installed, PYTHONDONTWRITEBYTECODE: '1' } },
  );
  if (status === null || stderr !== '') throw new Error(`cfn-lint did not run: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
