import type { Command } from 'commander';
import { checkPipelines } from '../configuration/load.ts';
import { formatProblem, type Problem } from '../configuration/problem.ts';
import { type CommonOptions, fileCommand } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { plural } from './format.ts';
import type { Terminal } from './terminal.ts';

export function registerCheck(program: Command): void {
  fileCommand<CommonOptions>(program, 'check', {
    summary: 'check pipeline files, without any server',
    description:
      'Says everything that is wrong in the files, with line, value and what to write instead. Asks no server, and needs none named. Exit code 2 when one of them cannot be used.',
    examples: [
      ['pulsehouse check', 'for ./pipeline.yml'],
      ['pulsehouse check -c a.yml b.yml --json | jq .problems', 'in a build'],
    ],
    ending: { atOnce: 'Nothing was changed.' },
    run: async ({ options, terminal }) => {
      const { pipelines, problems } = await checkPipelines(options.config);
      const errors = problems.filter(({ severity }) => severity === 'error');
      const names = pipelines.map(({ name }) => name);
      terminal.answer({ valid: errors.length === 0, pipelines: names, problems });
      for (const problem of problems) show(terminal, problem);
      if (errors.length > 0) {
        terminal.say(`${plural(errors.length, 'error')} in ${options.config.join(', ')}`);
        return EXIT.usage;
      }
      terminal.say(`${terminal.colour.green('valid')}  ${names.join(', ')}`);
      return EXIT.ok;
    },
  });
}

function show({ colour, say }: Terminal, problem: Problem): void {
  const paint = problem.severity === 'error' ? colour.red : colour.yellow;
  say(`${paint(problem.severity)}  ${formatProblem(problem)}`);
}
