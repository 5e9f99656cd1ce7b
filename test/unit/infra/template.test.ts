import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { METRICS } from '../../../lib/lambda/metric-names.ts';
import { lintTemplate } from '../../support/cfn-lint.ts';
import { type Packaged, packageService, type TemplateResource } from '../../support/serverless.ts';

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:alarms';

/** Every choice taken, in the stage that matters. */
const EVERYTHING = {
  pulsarServiceUrl: 'pulsar+ssl://broker.internal:6651',
  clickhouseUrl: 'https://clickhouse.internal:8443',
  pulsarTokenFrom: 'secretsmanager:pulsehouse/pulsar-token',
  pulsarTlsCaFrom: 'ssm:/pulsehouse/pulsar-ca',
  pulsarListenerName: 'internal',
  clickhousePasswordFrom: 'ssm:/pulsehouse/clickhouse-password',
  clickhouseTlsCaFrom: 'ssm:/pulsehouse/clickhouse-ca',
  subnetIds: 'subnet-0a1b2c3d,subnet-4e5f6a7b',
  securityGroupIds: 'sg-0a1b2c3d',
  kmsKeyArn: KEY,
  alarmTopicArn: TOPIC,
};

const PATIENCE = 600_000;

let full: Packaged;

beforeAll(async () => {
  full = await packageService(EVERYTHING, {}, 'prod');
}, PATIENCE);

afterAll(async () => {
  await full.remove();
});

test('cfn-lint finds no error', async () => {
  expect(await lintTemplate(full.templateFile)).toEqual([]);
});

describe('functions', () => {
  test('run on arm64 and the newest Node runtime, each with a role of its own', () => {
    const functions = ofType(full, 'AWS::Lambda::Function');
    expect(functions).toHaveLength(5);
    const roles = functions.map(({ Properties }) => Properties.Role['Fn::GetAtt'][0]);
    expect(new Set(roles).size).toBe(5);
    for (const { Properties } of functions) {
      expect(Properties.Architectures).toEqual(['arm64']);
      expect(Properties.Runtime).toBe('nodejs24.x');
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
      expect(Properties.VpcConfig.SubnetIds).toEqual(['subnet-0a1b2c3d', 'subnet-4e5f6a7b']);
      expect(Properties.KmsKeyArn).toBe(KEY);
      expect(Properties.TracingConfig.Mode).toBe('Active');
    }
  });

  test('name secrets and never hold them; the password only where ClickHouse is used', () => {
    for (const [id, named] of [
      ['Consume', true],
      ['Replay', true],
      ['Audit', true],
      ['Checkpoint', false],
      ['Status', false],
    ] as const) {
      const { Variables } = resource(full, `${id}LambdaFunction`).Properties.Environment;
      expect(Variables.PULSAR_TOKEN_FROM).toBe('secretsmanager:pulsehouse/pulsar-token');
      expect('CLICKHOUSE_PASSWORD_FROM' in Variables, id).toBe(named);
      expect('CLICKHOUSE_TLS_CA_FROM' in Variables, id).toBe(named);
      expect(Variables).toMatchObject({
        PULSAR_TLS_CA_FROM: 'ssm:/pulsehouse/pulsar-ca',
        PULSAR_LISTENER_NAME: 'internal',
        PULSAR_OAUTH2_CLIENT_SECRET_FROM: '',
      });
      expect(Variables).not.toHaveProperty('PULSAR_TOKEN');
      expect(Variables).not.toHaveProperty('CLICKHOUSE_PASSWORD');
    }
  });

  test('asynchronous events wait no longer than a tick, are not retried, and end in the queue of failures', () => {
    for (const id of ['Consume', 'Checkpoint', 'Replay', 'Audit']) {
      const { Properties } = resource(full, `${id}LambdaEvConf`);
      expect(Properties.MaximumRetryAttempts).toBe(0);
      expect(Properties.MaximumEventAgeInSeconds).toBe(60);
      expect(Properties.DestinationConfig.OnFailure.Destination).toEqual({
        'Fn::GetAtt': ['Failures', 'Arn'],
      });
    }
  });
});

test('one schedule a pipeline: own role, own input, ticks that expire instead of being retried', () => {
  const { Properties } = resource(full, 'IotSchedule');
  expect(Properties.ScheduleExpression).toBe('rate(1 minute)');
  expect(JSON.parse(Properties.Target.Input)).toEqual({ pipeline: 'iot' });
  expect(Properties.Target.RoleArn).toEqual({ 'Fn::GetAtt': ['SchedulerRole', 'Arn'] });
  expect(Properties.Target.RetryPolicy).toEqual({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  expect(Properties.Target.DeadLetterConfig.Arn).toEqual({ 'Fn::GetAtt': ['Failures', 'Arn'] });
});

test('an audit a day, whose alarm rings until the next one', () => {
  const { Properties } = resource(full, 'IotAuditSchedule');
  expect(Properties.ScheduleExpression).toBe('rate(1440 minutes)');
  expect(JSON.parse(Properties.Target.Input)).toEqual({ pipeline: 'iot' });
  expect(Properties.Target.Arn).toEqual({ 'Fn::GetAtt': ['AuditLambdaFunction', 'Arn'] });
  const { Period, EvaluationPeriods, DatapointsToAlarm } = resource(full, 'IotAuditAlarm').Properties;
  expect({ Period, EvaluationPeriods, DatapointsToAlarm }).toEqual({
    Period: 3_600,
    EvaluationPeriods: 25,
    DatapointsToAlarm: 1,
  });
});

test('an audit changes neither state nor rows, and of objects only its own reports', () => {
  const [policy] = resource(full, 'AuditRole').Properties.Policies as Policy[];
  const writing = (policy?.PolicyDocument.Statement ?? []).filter(({ Action }) =>
    [Action].flat().some((action) => /Put|Update|Delete|Invoke/.test(action) && !action.startsWith('logs:')),
  );
  expect(writing).toMatchObject([{ Resource: { 'Fn::Sub': `\${Bucket.Arn}/*/audits/*` } }]);
});

describe('storage', () => {
  test('production keeps its state on removal', () => {
    for (const id of ['StateTable', 'Bucket']) {
      expect(resource(full, id).DeletionPolicy).toBe('Retain');
    }
    expect(resource(full, 'StateTable').Properties.DeletionProtectionEnabled).toBe(true);
  });

  test('the table is on demand, recoverable to a point in time, expiring, encrypted', () => {
    const { Properties } = resource(full, 'StateTable');
    expect(Properties.BillingMode).toBe('PAY_PER_REQUEST');
    expect(Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
    expect(Properties.TimeToLiveSpecification).toEqual({ AttributeName: 'expires', Enabled: true });
    expect(Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: KEY });
  });

  test('the bucket is private, versioned, encrypted, by TLS only, and forgets what was deleted', () => {
    const { Properties } = resource(full, 'Bucket');
    expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    expect(Properties.VersioningConfiguration.Status).toBe('Enabled');
    expect(encryptionOf(Properties)).toEqual({ SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY });
    expect(Properties.LifecycleConfiguration.Rules).toHaveLength(2);
    expectTlsOnly(resource(full, 'BucketPolicy'));
    expectTlsOnly(resource(full, 'FailuresPolicy'));
  });

  test('logs are kept for a while and no longer', () => {
    const groups = ofType(full, 'AWS::Logs::LogGroup');
    expect(groups).toHaveLength(5);
    for (const { Properties } of groups) {
      expect(Properties.RetentionInDays).toBe(90);
      expect(Properties.KmsKeyId).toBe(KEY);
    }
  });
});

describe('rights', () => {
  test('no wildcard but where AWS knows no resource', () => {
    const wild = statements(full).filter(({ Resource }) => [Resource].flat().includes('*'));
    expect(wild.flatMap(({ Action }) => Action).sort()).toEqual([
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    const actions = statements(full).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('only the cycle starts consumers and carries replays on, only the scheduler starts cycles and audits, and nobody itself', () => {
    const invoking = ofTypeWithId(full, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
      Properties.Policies.flatMap((policy: Policy) => policy.PolicyDocument.Statement)
        .filter((statement: Statement) => [statement.Action].flat().includes('lambda:InvokeFunction'))
        .map((statement: Statement) => [id, statement.Resource]),
    );
    expect(invoking).toEqual([
      [
        'CheckpointRole',
        [
          { 'Fn::GetAtt': ['ConsumeLambdaFunction', 'Arn'] },
          { 'Fn::GetAtt': ['ReplayLambdaFunction', 'Arn'] },
        ],
      ],
      [
        'SchedulerRole',
        [
          { 'Fn::GetAtt': ['CheckpointLambdaFunction', 'Arn'] },
          { 'Fn::GetAtt': ['AuditLambdaFunction', 'Arn'] },
        ],
      ],
    ]);
  });

  test('a secret is readable by the functions that use it', () => {
    expect(resource(full, 'ClickhousePasswordPolicy').Properties.Roles).toEqual([
      { Ref: 'ConsumeRole' },
      { Ref: 'ReplayRole' },
      { Ref: 'AuditRole' },
    ]);
    expect(resource(full, 'PulsarAuthorityPolicy').Properties.Roles).toHaveLength(5);
    expect(resource(full, 'PulsarTokenPolicy').Properties.PolicyDocument.Statement[0].Resource).toEqual({
      'Fn::Sub': `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:pulsehouse/pulsar-token-??????`,
    });
  });
});

describe('alarms', () => {
  test('each tells what to do, where to read on, and the topic', () => {
    const alarms = ofType(full, 'AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(11);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmDescription).toContain('docs/operations.md');
      expect(Properties.AlarmDescription.length).toBeLessThanOrEqual(1024);
      expect(Properties.AlarmActions).toEqual([TOPIC]);
    }
  });

  test('one rings for halted partitions, those of a replay counted in, and says how each goes on', () => {
    const { MetricName, Threshold, DatapointsToAlarm, AlarmDescription } = resource(
      full,
      'IotHaltedAlarm',
    ).Properties;
    expect({ MetricName, Threshold, DatapointsToAlarm }).toEqual({
      MetricName: METRICS.halted,
      Threshold: 0,
      DatapointsToAlarm: 1,
    });
    for (const step of ['pulsehouse status', 'pulsehouse resume', 'pulsehouse replay --continue <id>'])
      expect(AlarmDescription).toContain(`\`${step}\``);
    const body = resource(full, 'Dashboard').Properties.DashboardBody['Fn::Sub'];
    expect(body).toContain(METRICS.haltedOfReplay);
  });

  test('silence is health everywhere but where cycles are counted', () => {
    const breaching = ofTypeWithId(full, 'AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties.TreatMissingData === 'breaching',
    );
    expect(breaching.map(([id]) => id)).toEqual(['SilenceAlarm']);
  });

  test('the dashboard is JSON with a row for the pipeline and one for the functions', () => {
    const body = resource(full, 'Dashboard').Properties.DashboardBody['Fn::Sub'];
    expect(JSON.parse(body).widgets).toHaveLength(6);
  });
});

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Effect: string;
  readonly Condition?: unknown;
}

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
}

function resource({ template }: Packaged, id: string): TemplateResource {
  const found = template.Resources[id];
  if (!found) throw new Error(`the template has no ${id}`);
  return found;
}

function ofTypeWithId({ template }: Packaged, type: string): [string, TemplateResource][] {
  return Object.entries(template.Resources).filter(([, { Type }]) => Type === type);
}

function ofType(packaged: Packaged, type: string): TemplateResource[] {
  return ofTypeWithId(packaged, type).map(([, found]) => found);
}

/** Every statement that allows something, of roles and of policies beside them. */
function statements(packaged: Packaged): { Action: string[]; Resource: unknown }[] {
  const inline = ofType(packaged, 'AWS::IAM::Role').flatMap(
    ({ Properties }) => Properties.Policies as Policy[],
  );
  const beside = ofType(packaged, 'AWS::IAM::Policy').map(({ Properties }) => Properties as Policy);
  return [...inline, ...beside]
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map(({ Action, Resource }) => ({ Action: [Action].flat() as string[], Resource }));
}

function encryptionOf(properties: TemplateResource['Properties']): unknown {
  return properties.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault;
}

function expectTlsOnly({ Properties }: TemplateResource): void {
  const [statement] = Properties.PolicyDocument.Statement as Statement[];
  expect(statement).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': false } } });
}
