// The functions import `pulsehouse:pipelines`: the pipeline files, validated while packaging and compiled in as data, so
// that a cold start neither parses YAML nor carries the validator.
const { pathToFileURL } = require('node:url');

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
        build.onLoad({ filter: /.*/, namespace: 'pulsehouse' }, async () => {
          const { readPipelineFiles } = await importTypeScript('./template/pipeline-files.ts');
          return { loader: 'json', contents: JSON.stringify(await readPipelineFiles(files)) };
        });
      },
    },
  ];
};

async function importTypeScript(file) {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(file, pathToFileURL(__filename).href);
}
