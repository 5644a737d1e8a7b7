/**
 * @file Files that are not on a disk yet: what the engine makes and a job or a recipe writes.
 */

/** Bytes of one file, whole or as they come. */
export type FileContent = Uint8Array | AsyncIterable<Uint8Array>;
/** File name (no folders) -> content. */
export type FileSet = ReadonlyMap<string, FileContent>;
