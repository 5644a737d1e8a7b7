/**
 * @file Paths as people read them.
 */

/** The last part: a file's or a folder's name. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}
