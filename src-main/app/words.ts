/**
 * @file All words that main itself shows; those of the window are in src-renderer/words.
 */
export const words = {
  appName: 'Tunesmith',
  dataFiles: 'Data files',
  allFiles: 'All files',
  pickData: 'Choose data files',
  quitTitle: 'A run is at work',
  quitDetail:
    'If you quit now, Tunesmith saves a checkpoint and pauses the run. You can resume it later, nothing is lost.',
  pauseAndQuit: 'Pause and quit',
  keepRunning: 'Keep running',
  finished: (name: string) => `${name} is finished`,
  finishedBody: 'Look at its answers, try it in the playground, or export it.',
  failed: (name: string) => `${name} has stopped`,
  failedBody: 'Tunesmith can tell you why and what to do.',
  noNodeTitle: 'Tunesmith cannot start',
  noNode:
    'The Node that does the work is missing. Run `node scripts/setup.mjs` in the folder of Tunesmith, then start it again.',
  menu: { edit: 'Edit', view: 'View', window: 'Window' },
} as const;
