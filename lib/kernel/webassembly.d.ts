/** What the kernel uses of it: @types/node of Node 20 names the namespace and no more. */
declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array) => Module;
  const Instance: new (module: Module) => { readonly exports: unknown };
}
