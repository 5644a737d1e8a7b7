/**
 * @file Something that the person should know, though nothing failed.
 */
export interface Notice {
  /** `area/reason`. */
  readonly code: string;
  readonly message: string;
}
