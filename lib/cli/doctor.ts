import type { Command } from 'commander';
import { type CommonOptions, pipelineCommand } from './command.ts';
import { type Diagnosis, diagnose } from './diagnosis.ts';
import { EXIT } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export function registerDoctor(program: Command): void {
  pipelineCommand<CommonOptions>(program, 'doctor', {
    summary: 'check servers, rights, clocks and settings, and what to do about each',
    description:
      'Reaches every server a pipeline needs, and says what is wrong and what to do about it. Changes nothing. Exit code 1 when something is wrong.',
    examples: [['pulsehouse doctor', 'before going live, or when something is odd']],
    ending: { atOnce: 'Nothing was changed.' },
    run: async ({ sessions, terminal }) => {
      let healthy = true;
      for (const session of sessions) {
        terminal.say(terminal.colour.bold(session.pipeline.name));
        const found = await diagnose(session, (diagnosis) => tell(terminal, diagnosis));
        terminal.answer({ pipeline: session.pipeline.name, checks: found });
        healthy &&= found.every(({ verdict }) => verdict !== 'wrong');
      }
      return healthy ? EXIT.ok : EXIT.failed;
    },
  });
}

function tell(terminal: Terminal, { check, verdict, message, fix }: Diagnosis): void {
  const { green, yellow, red, dim } = terminal.colour;
  const mark = { good: green('good '), mind: yellow('mind '), wrong: red('wrong') }[verdict];
  terminal.say(`  ${mark}  ${check.padEnd(14)} ${message}`);
  if (fix !== undefined)
    terminal.say(`         ${dim('next'.padEnd(14))} ${fix.replaceAll('\n', `\n${' '.repeat(24)}`)}`);
}
