/** A ClickHouse type as it is written: `Tuple(a Int64, b Nullable(Date))`. */
export interface ColumnType {
  readonly name: string;
  readonly arguments: readonly TypeArgument[];
}

export interface TypeArgument {
  /** Of an element of a named Tuple or Nested; of an Enum's element, its name. */
  readonly label: string | undefined;
  /** Undefined for what is no type: numbers, strings, and settings such as `max_dynamic_paths=16`. */
  readonly type: ColumnType | undefined;
  readonly text: string;
}

const NAME = /^[A-Za-z_]\w*$/;

/** Undefined where the text is no type as far as this can tell; the server says then what is wrong with it. */
export function parseColumnType(text: string): ColumnType | undefined {
  const trimmed = text.trim();
  const open = trimmed.indexOf('(');
  if (open === -1) return NAME.test(trimmed) ? { name: trimmed, arguments: [] } : undefined;
  const name = trimmed.slice(0, open).trim();
  if (!NAME.test(name) || !trimmed.endsWith(')')) return undefined;
  return { name, arguments: split(trimmed.slice(open + 1, -1)).map(parseArgument) };
}

/** At the commas that stand in no brackets and no quotes. */
function split(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === "'" || letter === '`' || letter === '"') at = quoteEnd(text, at);
    else if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== '');
}

/** Offset of the closing quote of the one that opens at `from`. */
function quoteEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== text[from]) at += text[at] === '\\' ? 2 : 1;
  return at;
}

function parseArgument(text: string): TypeArgument {
  const [, name, rest] = /^([`"](?:[^`"\\]|\\.)*[`"]|[A-Za-z_]\w*)\s+(\S.*)$/s.exec(text) ?? [];
  const labelled = rest === undefined ? undefined : parseColumnType(rest);
  if (name !== undefined && labelled) return { label: unquoted(name), type: labelled, text };
  return { label: undefined, type: parseColumnType(text), text };
}

function unquoted(name: string): string {
  return /^[`"]/.test(name) ? name.slice(1, -1).replaceAll(/\\(.)/gs, '$1') : name;
}
