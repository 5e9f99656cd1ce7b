import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../../../examples/tour/commands.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const folder = mkdtempSync(join(tmpdir(), 'pulsehouse-completion-'));

function scriptFor(shell: Shell): string {
  const found = spawnSync(process.execPath, [COMMAND, 'completion', shell], { encoding: 'utf8' });
  expect(found).toMatchObject({ status: 0, stderr: '' });
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, found.stdout);
  return file;
}

/** Programs that answer, a line a word, what the shell itself offers for a line. */
const OFFERS: Record<Shell, (file: string, words: readonly string[]) => string> = {
  bash: (file, words) => `
    source ${file}
    COMP_WORDS=(pulsehouse ${words.map((word) => `'${word}'`).join(' ')})
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _pulsehouse
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  // The completion functions of zsh work inside its line editor alone: what they would be given is printed instead.
  zsh: (file, words) => `
    compdef() { : }
    _describe() { local -a all=("\${(@P)2}"); local one; for one in $all; do print -r -- "\${one%%:*}"; done }
    _files() { print -r -- '<file>' }
    compadd() { [[ $1 = -- ]] && shift; print -rl -- "$@" }
    source ${file}
    words=(pulsehouse ${words.map((word) => `'${word}'`).join(' ')})
    CURRENT=\${#words}
    _pulsehouse`,
  fish: (file, words) => `
    source ${file}
    complete -C ${JSON.stringify(['pulsehouse', ...words].join(' '))} | string split -f1 \\t
    true`,
};

function offered(shell: Shell, file: string, words: readonly string[]): readonly string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', OFFERS[shell](file, words)], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const last = words.at(-1) ?? '';
  return stdout.split('\n').filter((word) => word !== '' && word.startsWith(last));
}

describe.each(SHELLS)('completion for %s', (shell) => {
  const isThere = spawnSync(shell, ['--version']).error === undefined;
  if (!isThere) {
    it.skip(`is not tried: this machine has no ${shell}`);
    return;
  }

  it('offers commands, those below them, options and their values', () => {
    const file = scriptFor(shell);
    expect(offered(shell, file, [''])).toEqual(expect.arrayContaining(['init', 'run', 'offsets', 'check']));
    expect(offered(shell, file, ['au'])).toEqual(['audit']);
    expect(offered(shell, file, ['offsets', 's'])).toEqual(['set']);
    expect(offered(shell, file, ['offsets', 'set', '--drop'])).toEqual(['--drop-in-flight']);
    expect(offered(shell, file, ['consume', '--until', 'd'])).toEqual(['drained']);
    expect(offered(shell, file, ['completion', 'fi'])).toEqual(['fish']);
  });
});
