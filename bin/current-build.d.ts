/** The built command line, when no file that it was built from was changed since; undefined otherwise. */
export function currentBuild(): URL | undefined;
