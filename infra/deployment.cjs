// What serverless.yml cannot say in YAML: everything that follows from the pipeline files or from optional parameters.
// Serverless asks for a CommonJS file; the work is done in TypeScript beside it.
const { pathToFileURL } = require('node:url');

const PARAMETERS = [
  'pipelines',
  'pulsarTokenFrom',
  'clickhousePasswordFrom',
  'subnetIds',
  'securityGroupIds',
  'kmsKeyArn',
  'alarmTopicArn',
  'dashboard',
  'tracing',
  'scheduleState',
];

module.exports = async ({ resolveVariable }) => {
  const values = await Promise.all(PARAMETERS.map((name) => resolveVariable(`param:${name}`)));
  const [service, stage] = await Promise.all([resolveVariable('self:service'), resolveVariable('sls:stage')]);
  const parameters = Object.fromEntries(PARAMETERS.map((name, at) => [name, String(values[at])]));
  const { describeDeployment } = await importTypeScript('./template/deployment.ts');
  return describeDeployment({ ...parameters, service, stage });
};

async function importTypeScript(file) {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(file, pathToFileURL(__filename).href);
}
