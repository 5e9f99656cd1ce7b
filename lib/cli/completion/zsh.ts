import type { CompletedCommand, CompletedOption } from './words.ts';

/** For a file `_pulsehouse` in the function path, or to be sourced after `compinit`. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const known = commands.map(({ path }) => `${quote(path)}`).join('|');
  return `#compdef pulsehouse
# zsh completion of pulsehouse: source <(pulsehouse completion zsh)
_pulsehouse() {
  local command='' before=\${words[CURRENT - 1]} i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "\${command:+$command }\${words[i]}" in
      ${known}) command="\${command:+$command }\${words[i]}" ;;
      *) break ;;
    esac
  done
  case "$command $before" in
${commands.flatMap(values).join('\n')}
  esac
  case "$command" in
${commands.map(words).join('\n')}
  esac
  _describe pulsehouse found
}
if [[ \${funcstack[1]} = _pulsehouse ]]; then _pulsehouse "$@"; else compdef _pulsehouse pulsehouse; fi
`;
}

function values({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    return [`    ${names.map((name) => quote(`${path} ${name}`)).join('|')}) ${reply(value)}; return ;;`];
  });
}

function reply(value: NonNullable<CompletedOption['value']>): string {
  if (value === 'any') return ':';
  return value === 'file' ? '_files' : `compadd -- ${value.map(quote).join(' ')}`;
}

function words({ path, options, words: below }: CompletedCommand): string {
  const described = [
    ...below.map(({ word, meaning }) => [word, meaning] as const),
    ...options.flatMap(({ names, meaning }) => names.map((name) => [name, meaning] as const)),
  ].map(([word, meaning]) => quote(`${word.replaceAll(':', '\\:')}:${meaning}`));
  return `    ${quote(path)}) found=(${described.join(' ')}) ;;`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
