/**
 * @file How a failure looks: its code decides the title and, where core's hint speaks of commands, the hint. The message is core's,
 * which knows names and numbers.
 */
import { findSettings } from '../../src-shared/domain/settings-text.ts';
import type { Fault, PlainError } from '../../src-shared/domain/app-error.ts';
import { plainText, usefulSentences } from './plain-text.ts';
import { describeSetting } from './settings-text.ts';

export interface ExplainedFailure {
  readonly title: string;
  readonly message: string;
  readonly hint: string;
  readonly code: string;
  readonly faults: readonly { readonly place: string; readonly message: string; readonly hint?: string }[];
}

/** By code, else by its area (the part before the slash). */
const TITLES: Readonly<Record<string, string>> = {
  'device/busy': 'Another run is training',
  'data/bad-rows': 'Some rows cannot be used',
  'data/no-rows': 'There is nothing to learn from',
  'data/no-supervised-tokens': 'Nothing in this data would be trained',
  'disk/full': 'The disk is full',
  'home/not-writable': 'The folder of your runs cannot be written',
  'store/full': 'The disk is full',
  'store/read-only': 'The folder of your runs cannot be written',
  'disk/no-space': 'Not enough room on the disk',
  'run/locked': 'The run is at work',
  'run/unknown': 'This run is not here any more',
  'hub/gated': 'This model is gated',
  'hub/offline': 'Offline mode is on',
  'hub/unreachable': 'The hub cannot be reached',
  'hub/rate-limited': 'The hub asks to wait',
  'hub/checksum': 'A file came damaged',
  'hub/not-found': 'No such model on the hub',
  'sample/missing': 'The sample is not installed',
  'path/refused': 'Tunesmith may not read this place',
  'core/restarted': 'Interrupted by a restart',
  'internal/bug': 'Something went wrong inside Tunesmith',
  config: 'A setting needs a look',
  data: 'The data needs a look',
  model: 'The model cannot be used',
  adapter: 'The adapter cannot be used',
  engine: 'The engine cannot do this',
  memory: 'Not enough memory',
  disk: 'The disk refused',
  hub: 'The hub did not give it',
  download: 'The download did not go on',
  run: 'The run could not go on',
  training: 'The training stopped',
  export: 'The export did not work',
  path: 'This place cannot be used',
  queue: 'The queue could not be changed',
  'chat-template': 'The chat template has a fault',
};

/** In place of hints that name commands. */
const HINTS: Readonly<Record<string, string>> = {
  'hub/bad-name': 'It is written maker/name; search for it.',
  'config/invalid': 'Correct the settings that are named.',
  'run/unknown': 'Go back to Runs and choose one of the list.',
  'run/locked': 'Stop it first, then try again.',
  'device/busy': 'Add this one to the queue, or wait until the other has finished.',
  'model/unknown': 'Choose one of the list, or import its folder again.',
};

export function explainFailure({ code, message, hint, faults }: PlainError): ExplainedFailure {
  const [area = ''] = code.split('/');
  const title = TITLES[code] ?? TITLES[area] ?? 'That did not work';
  const ownHint = HINTS[code] ?? withoutCommands(hint);
  return { title, message: plainText(message) || title, hint: ownHint, code, faults: faults.map(placeFault) };
}

/** Hints are written for the terminal too; what only helps there is left out, settings are named in the words of the screens. */
function withoutCommands(hint: string): string {
  const settings = findSettings(hint).map(({ path, value }) => describeSetting(path, value));
  const changes = settings.length > 0 ? [`Need less: ${settings.join(', ')}.`] : [];
  return [...usefulSentences(hint), ...changes].join(' ').replace(/;$/, '.');
}

function placeFault(fault: Fault): ExplainedFailure['faults'][number] {
  const file = fault.file?.split(/[\\/]/).at(-1);
  const place = [file, fault.line ? `row ${fault.line}` : '', fault.field].filter(Boolean).join(', ');
  return { place, message: fault.message, ...(fault.hint && { hint: plainText(fault.hint) }) };
}
