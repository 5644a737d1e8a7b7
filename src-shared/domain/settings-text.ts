/**
 * @file Settings inside a text for people, as the command line takes them: `--set training.seed=7`. A window reads them out of a failure's
 * hint to offer them as a button.
 */

export interface NamedSetting {
  /** `training.per_device_train_batch_size` */
  readonly path: string;
  /** As it is written: `2`, `true`, `nf4`. */
  readonly value: string;
}

const SETTING = /--set ([\w.]+)=(\S+)/g;

/** In their order; empty where the text names none. */
export function findSettings(text: string): NamedSetting[] {
  return [...text.matchAll(SETTING)].map(([, path = '', value = '']) => ({ path, value }));
}
