import type { CompletedCommand, CompletedOption } from './words.ts';

/** For fish from 3.0 up: one line a word. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => [
    ...command.words.map(
      ({ word, meaning }) => `${begin(command, commands)} -a ${quote(word)}${described(meaning)}`,
    ),
    ...command.options.map((option) => `${begin(command, commands)} ${optionLine(option)}`),
  ]);
  return `# fish completion of pulsehouse: pulsehouse completion fish | source
complete -c pulsehouse -f
${lines.join('\n')}
`;
}

/** A word belongs to the innermost command that stands in the line. */
function begin({ path }: CompletedCommand, commands: readonly CompletedCommand[]): string {
  const below = commands
    .filter((other) => isBelow(other.path, path))
    .map((other) => other.path.split(' ').at(-1));
  const seen = path.split(' ').filter((word) => word !== '');
  const conditions = [
    ...seen.map((word) => `__fish_seen_subcommand_from ${word}`),
    ...(below.length > 0 ? [`not __fish_seen_subcommand_from ${below.join(' ')}`] : []),
  ];
  return `complete -c pulsehouse -n ${quote(conditions.join('; and '))}`;
}

function isBelow(other: string, path: string): boolean {
  const prefix = path === '' ? '' : `${path} `;
  return other !== path && other.startsWith(prefix) && !other.slice(prefix.length).includes(' ');
}

function optionLine({ names, meaning, value }: CompletedOption): string {
  const spelled = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  return `${spelled.join(' ')}${valuePart(value)}${described(meaning)}`;
}

function valuePart(value: CompletedOption['value']): string {
  if (value === undefined) return '';
  if (value === 'any') return ' -x';
  return value === 'file' ? ' -r -F' : ` -x -a ${quote(value.join(' '))}`;
}

function described(meaning: string): string {
  return meaning === '' ? '' : ` -d ${quote(meaning)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
