import { parseSecretPlace } from '../../lib/lambda/secret-place.ts';
import { type Resource, type Resources, substitute } from './cloudformation.ts';
import type { Parameters } from './parameters.ts';

const EVERY_FUNCTION = ['ConsumeRole', 'CheckpointRole', 'ReplayRole', 'AuditRole', 'StatusRole'];
const READERS_OF_CLICKHOUSE = ['ConsumeRole', 'ReplayRole', 'AuditRole'];

/** What roles need only because a parameter asks for it; what they always need stands in infra/roles. */
export function policies(parameters: Parameters): Resources {
  const { kmsKeyArn, subnetIds, tracing } = parameters;
  return {
    ...Object.fromEntries(secretPolicies(parameters)),
    ...(kmsKeyArn === '' ? {} : { KeyPolicy: keyPolicy(kmsKeyArn) }),
    ...(subnetIds === '' ? {} : { NetworkPolicy: networkPolicy() }),
    ...(tracing === 'Active' ? { TracingPolicy: tracingPolicy() } : {}),
  };
}

function secretPolicies(parameters: Parameters): readonly (readonly [string, Resource])[] {
  const secrets = [
    ['PulsarToken', 'read-pulsar-token', parameters.pulsarTokenFrom, EVERY_FUNCTION],
    [
      'PulsarClientSecret',
      'read-pulsar-client-secret',
      parameters.pulsarOauth2ClientSecretFrom,
      EVERY_FUNCTION,
    ],
    ['PulsarAuthority', 'read-pulsar-authority', parameters.pulsarTlsCaFrom, EVERY_FUNCTION],
    ['PulsarCertificate', 'read-pulsar-certificate', parameters.pulsarTlsCertFrom, EVERY_FUNCTION],
    ['PulsarKey', 'read-pulsar-key', parameters.pulsarTlsKeyFrom, EVERY_FUNCTION],
    [
      'ClickhousePassword',
      'read-clickhouse-password',
      parameters.clickhousePasswordFrom,
      READERS_OF_CLICKHOUSE,
    ],
    [
      'ClickhouseAuthority',
      'read-clickhouse-authority',
      parameters.clickhouseTlsCaFrom,
      READERS_OF_CLICKHOUSE,
    ],
    [
      'ClickhouseCertificate',
      'read-clickhouse-certificate',
      parameters.clickhouseTlsCertFrom,
      READERS_OF_CLICKHOUSE,
    ],
    ['ClickhouseKey', 'read-clickhouse-key', parameters.clickhouseTlsKeyFrom, READERS_OF_CLICKHOUSE],
  ] as const;
  return secrets.flatMap(([id, name, from, roles]) =>
    from === '' ? [] : [[`${id}Policy`, secretPolicy(name, from, roles)] as const],
  );
}

function secretPolicy(name: string, from: string, roles: readonly string[]): Resource {
  const place = parseSecretPlace(from);
  // Secrets Manager adds six characters of its own choice to a secret's name.
  const resource =
    place.service === 'ssm' ? `parameter/${place.name.replace(/^\//, '')}` : `secret:${place.name}-??????`;
  return policy(name, roles, {
    Action: place.service === 'ssm' ? 'ssm:GetParameter' : 'secretsmanager:GetSecretValue',
    Resource: substitute(
      `arn:\${AWS::Partition}:${place.service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
    ),
  });
}

/** The scheduler is among them for the queue of failures, which the key encrypts as well. */
function keyPolicy(key: string): Resource {
  return policy('use-key', [...EVERY_FUNCTION, 'SchedulerRole'], {
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: key,
  });
}

/** Lambda makes and removes network interfaces in the function's name, and EC2 names one only once it is made: hence *. */
function networkPolicy(): Resource {
  return policy('use-network', EVERY_FUNCTION, {
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    Resource: '*',
  });
}

/** X-Ray knows no resources: hence *. */
function tracingPolicy(): Resource {
  return policy('send-traces', EVERY_FUNCTION, {
    Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
    Resource: '*',
  });
}

function policy(
  name: string,
  roles: readonly string[],
  statement: Readonly<Record<string, unknown>>,
): Resource {
  return {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: name,
      Roles: roles.map((role) => ({ Ref: role })),
      PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] },
    },
  };
}
