/**
 * @file Names of the channels between preload and main; nobody else uses them.
 */
export const CHANNELS = {
  /** Window -> main: a call. */
  call: 'tunesmith:call',
  /** Window -> main: it listens now. */
  listen: 'tunesmith:listen',
  /** Main -> window: anything from core. */
  told: 'tunesmith:told',
  /** Window -> main: path of a dropped file, as the preload read it. */
  takePath: 'tunesmith:takePath',
} as const;
