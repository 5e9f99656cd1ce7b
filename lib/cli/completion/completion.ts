import { Argument, type Command } from 'commander';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { type CompletedCommand, completedCommands } from './words.ts';
import { zshCompletion } from './zsh.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

type Shell = keyof typeof SHELLS;

/** Every other command has been registered when it is carried out. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('commands and options by the tab key')
    .description('Prints the script by which a shell completes commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
Examples:
  source <(pulsehouse completion bash)      in ~/.bashrc
  source <(pulsehouse completion zsh)       in ~/.zshrc, after compinit
  pulsehouse completion fish | source       in ~/.config/fish/config.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, completedCommands(program)));
    });
}

export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return SHELLS[shell](commands);
}
