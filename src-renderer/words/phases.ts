/**
 * @file What core and jobs say that they are doing, in the words of the window. They say it in sentences of their own; what is not here is
 * shown as they say it.
 */
import { formatCount } from './format.ts';
import { storageReport } from './measuring.ts';

const PHASES: Readonly<Record<string, string>> = {
  Starting: 'Starting',
  'Opening the model': 'Opening the model',
  'Loading the model': 'Loading the model',
  'Loading the tokenizer': 'Opening the model’s dictionary',
  'Reading rows': 'Reading your rows',
  'Reading the data': 'Reading your rows',
  'Compiling the training step': 'Preparing the training step',
  'Trying the longest rows': 'Trying your longest rows',
  'Measuring usual steps': 'Measuring usual steps',
  'Measuring an evaluation': 'Measuring a check',
  'Measuring the loss': 'Measuring the loss',
  'Writing answers': 'Writing answers',
  'Comparing weights': 'Comparing the weights',
  Merging: 'Putting what was learned into the model',
  Quantizing: 'Writing the numbers with fewer bits',
  'Asking both the same': 'Asking both the same questions',
};
/** With something that differs in it. */
const OPEN_PHASES: readonly (readonly [RegExp, (found: string) => string])[] = [
  [/^([\d,.]+) rows read$/, (rows) => `${formatCount(Number(rows.replace(/\D/g, '')))} rows read`],
  [/^Measuring (none|bf16|int8|nf4)$/, (storage) => storageReport.measuring(storage)],
  [/^Writing (.+)$/, (file) => `Writing ${file}`],
];

export function isKnownPhase(phase: string): boolean {
  return phase in PHASES;
}

/** @returns '' for '' */
export function phaseText(phase: string): string {
  const known = PHASES[phase];
  if (known !== undefined) return known;
  for (const [pattern, say] of OPEN_PHASES) {
    const [, found] = pattern.exec(phase) ?? [];
    if (found !== undefined) return say(found);
  }
  return phase;
}
