import type { Command } from 'commander';
import { audit } from '../replay/audit/audit.ts';
import type { PartitionAudit } from '../replay/audit/audit-partition.ts';
import type { AuditReport } from '../replay/audit/audit-report.ts';
import { keepReport } from '../replay/audit/audit-reports.ts';
import { atLeastOne, type CommonOptions, integer, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode, worstOf } from './exit-codes.ts';
import { count, duration, instant } from './format.ts';
import { startProgress } from './progress.ts';
import type { Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface AuditOptions extends CommonOptions {
  readonly since?: number | 'last';
  readonly timeout: number;
}

const FINDINGS_SHOWN = 20;

export function registerAudit(program: Command): void {
  pipelineCommand<AuditOptions>(program, 'audit', {
    summary: 'prove that nothing is missing or doubled',
    description:
      'Compares what Pulsar still has, the batch ledger, the totals and the snapshots with the rows in ClickHouse, by position, by aggregation in the server. Reads only, and may run while the pipeline does. Exit code 0 only when exact, 3 when not, 4 or 5 when what is committed is right and a partition is halted or makes no progress.',
    examples: [
      ['pulsehouse audit', 'everything since the pipeline began'],
      ['pulsehouse audit --since 120', 'what was committed after checkpoint 120'],
      [
        'pulsehouse audit --since last',
        'what came since the last exact audit of this kind; keeps its report',
      ],
      ['pulsehouse audit --json | jq .missing', 'for scripts'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      const codes: ExitCode[] = [];
      for (const session of sessions) codes.push(await auditOne(session, options, terminal, stop));
      return worstOf(codes);
    },
  })
    .option('--since <checkpoint>', 'only what was committed after this checkpoint, or "last"', since)
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 3600);
}

function since(text: string): number | 'last' {
  return text === 'last' ? text : integer(text);
}

async function auditOne(
  session: Session,
  options: AuditOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { environment } = session;
  const begun = environment.now();
  // A pipeline that was never initialised is named as that, and not by what it lacks.
  await session.knownPartitions();
  const progress = startProgress(terminal, 'rows compared', undefined);
  try {
    const report = await audit(
      session,
      // Before the first checkpoint lies everything.
      { since: options.since === 0 ? undefined : options.since },
      {
        deadline: begun + options.timeout * 1000,
        stop,
        onProgress: (_, rows) => progress.add(rows),
      },
    );
    progress.end();
    if (stop.aborted) return EXIT.interrupted;
    if (options.since === 'last') {
      const at = { now: environment.now(), uniqueId: environment.uniqueId() };
      await keepReport(session.objects, report, at, begun + options.timeout * 1000);
    }
    terminal.answer({ ...report, seconds: (environment.now() - begun) / 1000 });
    show(terminal, report, environment.now() - begun);
    return codeOf(report);
  } finally {
    progress.end();
  }
}

function codeOf({ exact, problems, missing, doubled, foreign, stuck }: AuditReport): ExitCode {
  if (exact) return EXIT.ok;
  if (problems.length + missing + doubled + foreign > 0) return EXIT.notExact;
  return stuck.some(({ halted }) => halted) ? EXIT.halted : EXIT.stuck;
}

function verdictOf(report: AuditReport): string {
  switch (codeOf(report)) {
    case EXIT.ok:
      return 'exact';
    case EXIT.halted:
      return 'halted, what is committed is right';
    case EXIT.stuck:
      return 'stuck, what is committed is right';
    default:
      return 'not exact';
  }
}

function show(terminal: Terminal, report: AuditReport, took: number): void {
  const { bold, green, red, dim, yellow } = terminal.colour;
  terminal.say(`${bold(report.pipeline)}  ${dim(report.table)}\n`);
  terminal.say(
    table(
      terminal.colour,
      [
        'partition',
        'committed',
        'messages',
        'rows',
        'missing',
        'doubled',
        'foreign',
        'dead letters',
        'drained',
      ],
      report.partitions.map(partitionRow),
    ),
  );
  const findings = report.partitions.flatMap(({ partition, findings: list }) =>
    list.map((finding) => ({ partition, ...finding })),
  );
  if (findings.length > 0) {
    terminal.say(
      `\n${table(
        terminal.colour,
        ['partition', 'where', 'expected', 'rows', 'missing', 'doubled', 'foreign'],
        findings
          .slice(0, FINDINGS_SHOWN)
          .map((finding) => [
            String(finding.partition),
            finding.where,
            ...[finding.expected, finding.rows, finding.missing, finding.doubled, finding.foreign].map(count),
          ]),
      )}`,
    );
    const more = report.partitions.reduce((sum, { findingCount }) => sum + findingCount, 0) - FINDINGS_SHOWN;
    if (more > 0) terminal.say(dim(`and ${count(more)} more`));
  }
  for (const problem of report.problems) terminal.say(`${red('problem')}  ${problem}`);
  for (const remark of report.remarks) terminal.say(`${yellow('remark')}   ${remark}`);
  for (const { partition, halted, code, reason, nextStep, since: from } of report.stuck) {
    const how = halted ? 'is halted' : 'makes no progress';
    terminal.say(
      `${red(halted ? 'halted' : 'stuck ')}   partition ${partition} ${how} since ${instant(from)}: ${code}`,
    );
    terminal.say(`         ${reason}\n         ${dim('next')}  ${nextStep}`);
  }
  const verdict = (report.exact ? green : red)(bold(verdictOf(report)));
  terminal.say(
    `\n${verdict}: ${count(report.messages)} messages, ${count(report.rows)} rows, missing ${count(report.missing)}, doubled ${count(report.doubled)}, foreign ${count(report.foreign)}, dead letters ${count(report.deadLetters)}${rightlyGone(report)}  ${dim(duration(took))}`,
  );
  const next = nextStep(report);
  if (next !== undefined) terminal.say(`${dim('next')}  ${next}`);
}

/** A repair counts the rows of a batch: what stands there too much must go first. */
function nextStep({ missing, doubled, foreign }: AuditReport): string | undefined {
  if (doubled + foreign > 0)
    return 'see who else writes to the table; pulsehouse replay --mode replace, on the paused pipeline, rewrites what is wrong';
  if (missing === 0) return undefined;
  return 'pulsehouse replay --mode repair   (a dry run; --yes inserts what is missing)';
}

function rightlyGone({ expired, excluded, filtered }: AuditReport): string {
  const gone = expired + excluded === 0 ? '' : `, expired ${count(expired)}, excluded ${count(excluded)}`;
  return filtered === 0 ? gone : `, filtered ${count(filtered)}${gone}`;
}

function partitionRow(partition: PartitionAudit): string[] {
  return [
    String(partition.partition),
    partition.committed,
    count(partition.messages),
    count(partition.rows),
    count(partition.missing),
    count(partition.doubled),
    count(partition.foreign),
    count(partition.deadLetters),
    partition.drained ? 'yes' : 'no',
  ];
}
