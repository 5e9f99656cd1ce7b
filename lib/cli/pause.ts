import type { Command } from 'commander';
import { pause, resumePipeline } from '../replay/pause.ts';
import { atLeastOne, type CommonOptions, collectIntegers, pipelineCommand } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { requestedBy } from './requested-by.ts';
import type { Session } from './session.ts';

interface PauseOptions extends CommonOptions {
  readonly timeout: number;
}

interface ResumeOptions extends PauseOptions {
  readonly partition?: readonly number[];
}

export function registerPause(program: Command): void {
  pipelineCommand<PauseOptions>(program, 'pause', {
    summary: 'hold a pipeline, in order',
    description:
      'Nothing is consumed or acknowledged until `resume`. Answers when every consumer has committed and let go. Who did it and when is recorded.',
    examples: [['pulsehouse pause', 'before offsets are set, rows replaced, or the table is altered']],
    ending: {
      atOnce: 'It may be paused already: `pulsehouse status` says so; the same command again goes on.',
    },
    run: async ({ options, sessions, terminal }) => {
      for (const session of sessions) {
        await pause(session, byHand(session, options));
        terminal.answer({ pipeline: session.pipeline.name, paused: true });
        terminal.say(`${session.pipeline.name} is paused; \`pulsehouse resume\` lets it go on`);
      }
      return EXIT.ok;
    },
  }).option('--timeout <seconds>', 'wait so long for consumers to end', atLeastOne, 120);
}

export function registerResume(program: Command): void {
  pipelineCommand<ResumeOptions>(program, 'resume', {
    summary: 'let a paused pipeline or a halted partition go on',
    description:
      'Clears the pause and the halts. What halted a partition must have been mended first: the same cause halts it again. Refused while something done by hand was cut off.',
    examples: [
      ['pulsehouse resume', 'the pipeline and every halted partition of it'],
      ['pulsehouse resume --partition 3', 'that partition alone; a pause stays'],
    ],
    ending: {
      atOnce:
        'Some of it may go on already: `pulsehouse status` says so; the same command again does the rest.',
    },
    run: async ({ options, sessions, terminal }) => {
      for (const session of sessions) {
        const resumed = await resumePipeline(session, byHand(session, options), options.partition);
        terminal.answer({
          pipeline: session.pipeline.name,
          halts: resumed.map(({ partition, halted }) => ({ partition, code: halted?.code })),
        });
        for (const { partition, halted } of resumed) {
          terminal.say(`partition ${partition} goes on; it was halted by ${halted?.code}`);
        }
        if (options.partition && resumed.length === 0) terminal.say('None of these was halted');
        else
          terminal.say(`${session.pipeline.name} goes on with the next checkpoint or \`pulsehouse consume\``);
      }
      return EXIT.ok;
    },
  })
    .option('-p, --partition <n...>', 'clear the halt of these alone', collectIntegers)
    .option('--timeout <seconds>', 'wait so long for a cycle under way', atLeastOne, 120);
}

function byHand({ owner, environment }: Session, { timeout }: PauseOptions) {
  return { by: requestedBy(), owner, deadline: environment.now() + timeout * 1000 };
}
