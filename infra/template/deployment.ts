import { alarms } from './alarms.ts';
import type { Resources } from './cloudformation.ts';
import { dashboard } from './dashboard.ts';
import { encryption } from './encryption.ts';
import type { Parameters } from './parameters.ts';
import { listOf, readPipelineFiles } from './pipeline-files.ts';
import { policies } from './policies.ts';
import { schedules } from './schedules.ts';

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
