import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { explain } from './explain.ts';
import type { Problem } from './problem.ts';
import { checkRules, type Finding } from './rules.ts';
import { type PipelineFile, pipelineFile } from './schema.ts';

export interface Parsed {
  /** Undefined when there are errors. */
  readonly pipeline: Pipeline | undefined;
  readonly problems: readonly Problem[];
  /** Turns a finding about this pipeline into a problem with its line. */
  readonly locate: (finding: Finding) => Problem;
}

/** Reads one pipeline.yml. All its problems are told at once. */
export function parsePipeline(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const locate = ({ severity, path, message }: Finding): Problem => ({
    severity,
    file,
    line: lineOf(document, lines, path),
    key: path.join('.'),
    message,
  });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      ({ message, pos }): Problem => ({
        severity: 'error',
        file,
        line: lines.linePos(pos[0]).line,
        key: '',
        message: `is not YAML: ${message}`,
      }),
    );
    return { pipeline: undefined, problems, locate };
  }
  const result = pipelineFile.safeParse(document.toJS() ?? {});
  if (!result.success) {
    const explanations = result.error.issues.flatMap((issue) =>
      explain(issue, (path) => plain(document.getIn(path as string[], true), document)),
    );
    const problems = explanations.map(({ path, message }) =>
      locate({ severity: 'error', path: path.map(String), message }),
    );
    return { pipeline: undefined, problems, locate };
  }
  const pipeline = complete(result.data);
  const problems = checkRules(pipeline).map(locate);
  return {
    pipeline: problems.some(({ severity }) => severity === 'error') ? undefined : pipeline,
    problems,
    locate,
  };
}

function complete(file: PipelineFile): Pipeline {
  const { role, settings, ...target } = file.target;
  return {
    ...file,
    target,
    targetOptions: { role, settings },
    subscription: file.subscription ?? `pulsehouse-${file.name}`,
  };
}

function plain(found: unknown, document: Document): unknown {
  return isNode(found) ? found.toJS(document) : found;
}

/** Of the key itself where it stands in the file, else of the nearest group around it that does. */
function lineOf(document: Document, lines: LineCounter, path: readonly string[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path[length - 1])
      : undefined;
    if (isNode(pair?.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
  }
  return undefined;
}
