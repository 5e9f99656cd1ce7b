import { METRICS } from '../../lib/lambda/metric-names.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { type Resources, substitute } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

const FUNCTIONS = ['consume', 'checkpoint', 'replay', 'audit', 'status'];
const WIDTH = 8;
const HEIGHT = 6;

interface Graph {
  readonly title: string;
  readonly stat: 'Sum' | 'Maximum' | 'Average';
  readonly metrics: readonly (readonly unknown[])[];
}

/** One dashboard a deployment: a row for each pipeline, one for the functions. */
export function dashboard(pipelines: readonly Pipeline[], parameters: Parameters): Resources {
  const prefix = `${parameters.service}-${parameters.stage}`;
  const rows = [...pipelines.map((pipeline) => pipelineRow(prefix, pipeline.name)), functionRow(prefix)];
  const widgets = rows.flatMap((graphs, y) =>
    graphs.map((graph, x) => ({
      type: 'metric',
      x: x * WIDTH,
      y: y * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      // CloudFormation fills in the region: the template must not know where it will be deployed.
      properties: { ...graph, region: `\${AWS::Region}`, period: 60, view: 'timeSeries' },
    })),
  );
  return {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: prefix, DashboardBody: substitute(JSON.stringify({ widgets })) },
    },
  };
}

function pipelineRow(service: string, pipeline: string): readonly Graph[] {
  const metric = (name: string) => ['Pulsehouse', name, 'service', service, 'pipeline', pipeline];
  return [
    {
      title: `${pipeline}: written`,
      stat: 'Sum',
      metrics: [METRICS.messages, METRICS.rows, METRICS.deadLetters].map(metric),
    },
    {
      title: `${pipeline}: behind`,
      stat: 'Maximum',
      metrics: [METRICS.oldestUncommitted, METRICS.backlog, METRICS.checkpointAge].map(metric),
    },
    {
      title: `${pipeline}: must be zero`,
      stat: 'Maximum',
      metrics: [
        METRICS.halted,
        METRICS.haltedOfReplay,
        METRICS.unknown,
        METRICS.conservation,
        METRICS.auditFaults,
      ].map(metric),
    },
  ];
}

function functionRow(prefix: string): readonly Graph[] {
  const metric = (name: string) =>
    FUNCTIONS.map((own) => ['AWS/Lambda', name, 'FunctionName', `${prefix}-${own}`]);
  return [
    { title: 'Invocations', stat: 'Sum', metrics: metric('Invocations') },
    { title: 'Duration (ms)', stat: 'Maximum', metrics: metric('Duration') },
    { title: 'Errors and throttles', stat: 'Sum', metrics: [...metric('Errors'), ...metric('Throttles')] },
  ];
}
