// The functions import `pulsehouse:pipelines`: the pipeline files, validated while packaging and compiled in as data, so
// that a cold start neither parses YAML nor carries the validator.
const { basename } = require('node:path');
const tsx = require('tsx/cjs/api');

const { readPipelineFiles } = tsx.require('./template/pipeline-files.ts', __filename);

module.exports = (serverless) => {
  const files = serverless.service.custom.pipelines;
  return [
    {
      // What is imported on demand, the SDK's ways to log in for one, is a file of its own: a start reads and compiles only
      // what it needs. The packager gives a function the files whose names begin as its own does.
      name: 'pulsehouse-parts',
      setup({ initialOptions }) {
        const [entry] = initialOptions.entryPoints;
        initialOptions.splitting = true;
        initialOptions.chunkNames = `${basename(entry, '.ts')}.parts/[name]-[hash]`;
      },
    },
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
