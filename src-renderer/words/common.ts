/**
 * @file Words that every screen uses: buttons, states, charts, failures.
 */
import type { RunState } from '../../src-shared/domain/history.ts';
import { countOf } from './format.ts';

export const common = {
  cancel: 'Cancel',
  close: 'Close',
  remove: 'Remove',
  delete: 'Delete',
  save: 'Save',
  undo: 'Undo',
  retry: 'Try again',
  back: 'Back',
  next: 'Next',
  more: 'More actions',
  show: 'Show',
  loading: 'Loading',
  none: 'none',
  yes: 'yes',
  no: 'no',
  unknown: 'not known',
  recommended: 'Recommended',
  advanced: 'Advanced',
  means: (what: string) => `Now: ${what}.`,
  whatIs: (term: string) => `What is ${term.toLowerCase()}?`,
  error: {
    details: 'Details',
    copy: 'Copy details',
    copied: 'Copied',
    more: (count: number) => `and ${countOf(count, 'more', 'more')}`,
  },
  chart: {
    resetZoom: 'Show everything',
    keys: 'Arrow keys read the values, plus and minus zoom, 0 shows everything.',
  },
  states: {
    preparing: 'Getting ready',
    running: 'Training',
    paused: 'Paused',
    stopped: 'Stopped',
    interrupted: 'Interrupted',
    finished: 'Finished',
    failed: 'Failed',
  } satisfies Record<RunState, string>,
} as const;
