import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Path of a Node binary of another major version, from the registry's `node` package. */
export async function nodeBinary(major: number): Promise<string> {
  if (Number.parseInt(process.versions.node, 10) === major) return process.execPath;
  const { stdout } = await run('npx', ['-y', `node@${major}`, '-p', 'process.execPath'], {
    // Outside the project: its .npmrc turns install scripts off, and that package's links its binary.
    cwd: tmpdir(),
    env: { ...process.env, npm_config_ignore_scripts: 'false' },
  });
  const path = stdout.trim().split('\n').at(-1) ?? '';
  const { stdout: version } = await run(path, ['-p', 'process.versions.node']);
  if (Number.parseInt(version, 10) !== major) throw new Error(`npx gave Node ${version} for node@${major}`);
  return path;
}
