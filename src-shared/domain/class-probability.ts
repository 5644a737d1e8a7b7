/**
 * @file What a classifier says of one class.
 */
export interface ClassProbability {
  readonly label: string;
  /** 0 to 1; of a regression the number itself. */
  readonly probability: number;
}
