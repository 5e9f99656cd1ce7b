// The functions import `pulsehouse:pipelines`: the pipeline files, validated while packaging and compiled in as data, so
// that a cold start neither parses YAML nor carries the validator.
const tsx = require('tsx/cjs/api');

const { readPipelineFiles } = tsx.require('./template/pipeline-files.ts', __filename);

module.exports = (serverless) => {
  const files = serverless.service.custom.pipelines;
  return [
    {
      name: 'pulsehouse-pipelines',
      setup(build) {
        build.onResolve({ filter: /^pulsehouse:pipelines$/ }, ({ path }) => ({
          path,
          namespace: 'pulsehouse',
        }));
        build.onLoad({ filter: /.*/, namespace: 'pulsehouse' }, async () => ({
          loader: 'json',
          contents: JSON.stringify(await readPipelineFiles(files)),
        }));
      },
    },
  ];
};
