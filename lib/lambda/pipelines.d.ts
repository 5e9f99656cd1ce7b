/** The deployment's pipelines by name, compiled into the bundle (infra/esbuild-plugins.cjs). */
declare module 'pulsehouse:pipelines' {
  const pipelines: Readonly<Record<string, import('../pipeline/pipeline.ts').Pipeline>>;
  export default pipelines;
}
