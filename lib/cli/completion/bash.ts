import type { CompletedCommand } from './words.ts';

/** For bash from 3.2 up, without the package bash-completion. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const known = commands.map(({ path }) => `'${path}'`).join('|');
  return `# bash completion of pulsehouse: source <(pulsehouse completion bash)
_pulsehouse() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${command:+$command }\${COMP_WORDS[i]}" in
      ${known}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
      *) break ;;
    esac
  done
  COMPREPLY=()
  case "$command $before" in
${values(commands).join('\n')}
  esac
  case "$command" in
${commands.map(words).join('\n')}
  esac
}
complete -o filenames -F _pulsehouse pulsehouse
`;
}

/** What follows an option that takes a value. */
function values(commands: readonly CompletedCommand[]): readonly string[] {
  return commands.flatMap(({ path, options }) =>
    options.flatMap(({ names, value }) => {
      if (value === undefined) return [];
      const places = names.map((name) => `'${path} ${name}'`).join('|');
      return [`    ${places}) ${reply(value)}; return ;;`];
    }),
  );
}

function reply(value: 'file' | 'any' | readonly string[]): string {
  if (value === 'any') return ':';
  const source = value === 'file' ? '-f' : `-W '${value.join(' ')}'`;
  return `COMPREPLY=($(compgen ${source} -- "$word"))`;
}

function words({ path, options, words: below }: CompletedCommand): string {
  const all = [...below.map(({ word }) => word), ...options.flatMap(({ names }) => names)];
  return `    '${path}') COMPREPLY=($(compgen -W '${all.join(' ')}' -- "$word")) ;;`;
}
