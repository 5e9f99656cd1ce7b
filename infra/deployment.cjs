// What serverless.yml cannot say in YAML: everything that follows from the pipeline files or from optional parameters.
// Serverless asks for a CommonJS file; the work is done in TypeScript beside it. It is loaded through `require` and not
// through `import`: Node 20's loader hooks, asked by many at once, can wait for each other for ever.
const tsx = require('tsx/cjs/api');

const { describeDeployment } = tsx.require('./template/deployment.ts', __filename);

const PARAMETERS = [
  'pipelines',
  'pulsarTokenFrom',
  'pulsarOauth2ClientSecretFrom',
  'pulsarTlsCaFrom',
  'pulsarTlsCertFrom',
  'pulsarTlsKeyFrom',
  'clickhousePasswordFrom',
  'clickhouseTlsCaFrom',
  'clickhouseTlsCertFrom',
  'clickhouseTlsKeyFrom',
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
  return describeDeployment({ ...parameters, service, stage });
};
