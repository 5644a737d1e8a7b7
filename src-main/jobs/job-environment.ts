/**
 * @file Environment variables of a job process.
 */

const SETTING = 'glibc.malloc.hugetlb';
/** Value of GLIBC_TUNABLES that has the C library ask for memory in pages of 2 MB. */
export const LARGE_PAGES = `${SETTING}=1`;

/**
 * Asks for large pages, where the system gives them on request (the usual setting): a step walks through more memory than the processor can
 * keep small pages of in mind. glibc reads this once, when a process starts; others ignore it. A setting of the user's own stays.
 *
 * @param own variables of this process
 * @param added those of the job, which win
 */
export function jobEnvironment(
  own: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const env = { ...own, ...added };
  const tunables = (env['GLIBC_TUNABLES'] ?? '').split(':').filter((setting) => setting !== '');
  if (tunables.some((setting) => setting.startsWith(`${SETTING}=`))) return env;
  return { ...env, GLIBC_TUNABLES: [...tunables, LARGE_PAGES].join(':') };
}
