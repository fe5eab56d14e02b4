/** What this system is, beyond what process.platform and process.arch say. Runs on old Node versions too. */

/** Whether programs here use musl instead of glibc. */
export function usesMusl() {
  if (process.platform !== 'linux') return false;
  process.report.excludeNetwork = true; // the report would look up the names of all peers
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}
