import type { Command, Option } from 'commander';

export interface CompletedOption {
  /** `-c` and `--config`. */
  readonly names: readonly string[];
  readonly meaning: string;
  /** What may follow; undefined where nothing does. */
  readonly value: 'file' | 'any' | readonly string[] | undefined;
}

export interface CompletedCommand {
  /** `offsets set`; empty for the program itself. */
  readonly path: string;
  readonly meaning: string;
  readonly options: readonly CompletedOption[];
  /** Names of the commands below it, or the values of its argument. */
  readonly words: readonly { readonly word: string; readonly meaning: string }[];
}

/** Every command of the program with what can be written after it: the one source of the scripts of all shells. */
export function completedCommands(program: Command): readonly CompletedCommand[] {
  return walk(program, '');
}

function walk(command: Command, path: string): readonly CompletedCommand[] {
  const { commands } = command;
  const words = commands.map((below) => ({ word: below.name(), meaning: meaningOf(below) }));
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    {
      path,
      meaning: meaningOf(command),
      options: command.createHelp().visibleOptions(command).map(completedOption),
      words: [...words, ...choices.map((word) => ({ word, meaning: '' }))],
    },
    ...commands.flatMap((below) => walk(below, path === '' ? below.name() : `${path} ${below.name()}`)),
  ];
}

function meaningOf(command: Command): string {
  return command.summary() || command.description();
}

function completedOption(option: Option): CompletedOption {
  const { short, long, description, argChoices, flags } = option;
  const names = [short, long].filter((name) => name !== undefined && name !== null);
  return { names, meaning: description, value: argChoices ?? valueAfter(flags) };
}

function valueAfter(flags: string): 'file' | 'any' | undefined {
  if (/<(file|folder)/.test(flags)) return 'file';
  return /[<[]/.test(flags) ? 'any' : undefined;
}
