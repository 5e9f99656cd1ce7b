import { alarms } from './alarms.ts';
import type { Resources } from './cloudformation.ts';
import { dashboard } from './dashboard.ts';
import { encryption } from './encryption.ts';
import { listOf, readPipelineFiles } from './pipeline-files.ts';
import { policies } from './policies.ts';
import { schedules } from './schedules.ts';

/** The parameters of serverless.yml that decide more than one value; empty text means "not wanted". */
export interface Parameters {
  readonly service: string;
  readonly stage: string;
  readonly pipelines: string;
  readonly pulsarTokenFrom: string;
  readonly clickhousePasswordFrom: string;
  readonly subnetIds: string;
  readonly securityGroupIds: string;
  readonly kmsKeyArn: string;
  readonly alarmTopicArn: string;
  readonly dashboard: string;
  readonly tracing: string;
  readonly scheduleState: string;
}

/**
 * Everything serverless.yml takes from here, by the name it asks for.
 * @throws PulsehouseError PH_CONFIG_INVALID for a pipeline file or a secret's place that is not right.
 */
export async function describeDeployment(parameters: Parameters) {
  const pipelines = Object.values(await readPipelineFiles(parameters.pipelines));
  const resources: Resources = {
    ...policies(parameters),
    ...schedules(pipelines, parameters),
    ...alarms(pipelines, parameters),
    ...(parameters.dashboard === 'true' ? dashboard(pipelines, parameters) : {}),
  };
  return {
    vpc: vpcOf(parameters),
    kmsKeyArn: parameters.kmsKeyArn === '' ? null : parameters.kmsKeyArn,
    encryption: encryption(parameters.kmsKeyArn),
    resources: { Resources: resources },
  };
}

function vpcOf({ subnetIds, securityGroupIds }: Parameters) {
  if (subnetIds === '') return null;
  return { subnetIds: listOf(subnetIds), securityGroupIds: listOf(securityGroupIds) };
}
