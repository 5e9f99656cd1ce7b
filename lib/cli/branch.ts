import { connect } from '../assembly/connections.ts';
import { openRowCopy } from '../assembly/row-copy.ts';
import { openBucket, openServer, openStateTable } from '../assembly/servers.ts';
import { loadPipelines } from '../configuration/load.ts';
import { ddlRoots, findDdl } from '../initialise/ddl.ts';
import { ensureStores } from '../initialise/stores.ts';
import { ensureTarget } from '../initialise/target.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatPosition } from '../pipeline/position.ts';
import { branch } from '../replay/branch/branch.ts';
import type { BranchResult } from '../replay/branch/branch-run.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, duration, plural } from './format.ts';
import { packageRoot } from './package-root.ts';
import { requestedBy } from './requested-by.ts';
import type { Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

export interface BranchOptions {
  /** The first pipeline's file. */
  readonly from: string;
  readonly fromBucket?: string;
  readonly to?: number;
  readonly copyRows?: boolean;
  readonly ddl?: string;
  readonly timeout: number;
}

/** `restore --from`: the session's pipeline is the second one. */
export async function bringUp(
  session: Session,
  options: BranchOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const { environment, settings, owner, pipeline, log } = session;
  const begun = environment.now();
  const deadline = begun + options.timeout * 1000;
  const around = { environment, log };
  const first = await loadFirst(options.from);
  const bucket = options.fromBucket ?? settings.s3.bucket;
  const firstSettings = { ...settings, s3: { ...settings.s3, bucket } };
  await ensurePlaces(session, options, terminal, deadline);
  const { objects, close } = await connect(first, firstSettings, around, ['objects']);
  const copy = options.copyRows ? await openRowCopy(first.target, pipeline, settings, around) : undefined;
  try {
    const leftOut = (await copy?.columnsLeftOut(deadline)) ?? [];
    if (leftOut.length > 0) {
      terminal.remark(`columns without a counterpart are left out: ${leftOut.join(', ')}`);
    }
    const progress = copiedSoFar(terminal);
    const result = await branch(
      session,
      { pipeline: first, objects, checkpoint: options.to, copy },
      {
        ...{ by: requestedBy(), owner, deadline },
        onStep: (step) =>
          terminal.say(`${terminal.colour.dim(duration(environment.now() - begun).padStart(8))}  ${step}`),
        onCopied: progress,
      },
    );
    answer(terminal, first, result, leftOut);
    return EXIT.ok;
  } finally {
    await copy?.close();
    await close();
  }
}

/** What `init` would make, but for the beginnings: those come from the first pipeline. */
async function ensurePlaces(
  { pipeline, settings, environment, log, answers }: Session,
  { ddl }: BranchOptions,
  terminal: Terminal,
  deadline: number,
): Promise<void> {
  const around = { environment, log };
  await answers.all(['DynamoDB', 'S3', 'ClickHouse']);
  const stateTable = await openStateTable(settings, around);
  const bucket = await openBucket(settings, around);
  const server = await openServer(settings, pipeline);
  const tell = ({ outcome, message }: { readonly outcome: string; readonly message: string }) => {
    if (outcome !== 'found') terminal.say(`${outcome}  ${message}`);
  };
  try {
    await ensureStores(stateTable, bucket, deadline, tell);
    const sql = await findDdl(pipeline, ddlRoots(pipeline, process.cwd(), packageRoot()), ddl);
    await ensureTarget(pipeline, server, sql, environment, deadline, tell);
  } finally {
    stateTable.client.destroy();
    bucket.client.destroy();
    await server.close();
  }
}

/** @throws PulsehouseError PH_CONFIG_INVALID */
async function loadFirst(file: string): Promise<Pipeline> {
  const { pipelines } = await loadPipelines([file]);
  const [first, ...others] = pipelines;
  if (first && others.length === 0) return first;
  throw new PulsehouseError('PH_CONFIG_INVALID', `${file} describes ${pipelines.length} pipelines, not one`);
}

function copiedSoFar(terminal: Terminal): (rows: number) => void {
  let copied = 0;
  return (rows) => {
    copied += rows;
    terminal.say(terminal.colour.dim(`${count(copied)} rows copied`));
  };
}

function answer(terminal: Terminal, first: Pipeline, result: BranchResult, leftOut: readonly string[]): void {
  terminal.answer({
    from: first.name,
    ...result,
    columnsLeftOut: leftOut,
    partitions: result.partitions.map((part) => ({ ...part, from: formatPosition(part.from) })),
  });
  const rows = result.partitions.map(({ partition, from, rows: stored, deadLetters }) => [
    String(partition),
    formatPosition(from),
    count(stored),
    count(deadLetters),
  ]);
  const head = ['partition', 'goes on above', 'rows up to there', 'dead letters'];
  terminal.say(`\n${table(terminal.colour, head, rows)}`);
  const left = result.partitions.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
  if (left > 0) {
    terminal.say(
      `\n${plural(left, 'dead letter')} of ${first.name} stay in its bucket, beyond the reach of \`redrive\` here; docs/replay.md says how they become rows`,
    );
  }
  terminal.say(
    `\nBegun from checkpoint ${result.checkpoint} of ${first.name}; \`pulsehouse run\` goes on from there`,
  );
}
