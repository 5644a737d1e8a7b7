/**
 * @file Words of what is measured on the device: storages, dry runs, evaluations on a file.
 */
import { countOf } from './format.ts';

/** While another run trains. */
export const pausing = {
  pauseAnd: (action: string) => `Pause the training, then ${action.charAt(0).toLowerCase()}${action.slice(1)}`,
  goesOn: (name: string) => `${name} is saved first and goes on by itself afterwards.`,
};

const STORAGE_NAMES = {
  none: '32 bits',
  bf16: '16 bits',
  int8: 'INT8',
  nf4: 'NF4',
  'nf4-single': 'NF4, large scales',
};

export const storageReport = {
  title: 'Measured on your rows',
  text: 'What each precision really costs: the base model reads some of your rows once in each of them. Nothing is trained.',
  measure: 'Measure on my rows',
  again: 'Measure again',
  needsData: 'Bring your data and choose a model first; then the loss can be measured on your own rows.',
  headless:
    'This base model only reads so far: what names the classes is added and learned in the run, so there is no loss to compare yet.',
  working: 'Loading the base model',
  measuredOn: (rows: number, tokens: string, when: string) =>
    `Measured on ${countOf(rows, 'row', 'rows')}, ${tokens} tokens, ${when}.`,
  advice: (name: string) => `Recommended: ${name}`,
  adviceReason: (share: string, rise: string) =>
    `It takes ${share} of the memory, and the loss on your rows rises by ${rise}, which training makes up for.`,
  adviceSame: (share: string) => `It takes ${share} of the memory, and the loss on your rows stays the same.`,
  slower: (times: string) => `Reading takes ${times} times as long.`,
  adviceLargest: 'Everything smaller loses too much on your rows.',
  use: (name: string) => `Use ${name}`,
  mark: 'Recommended, measured on your rows',
  names: STORAGE_NAMES,
  measuring: (storage: string) => `Measuring ${STORAGE_NAMES[storage as keyof typeof STORAGE_NAMES] ?? storage}`,
  chart: {
    title: 'Memory against loss',
    label: (what: string) => `${what} against memory of the base model`,
    loss: 'Loss on your rows',
    error: 'Error of the weights',
    choose: 'What is drawn upwards',
    memory: 'Memory of the base model',
    point: (name: string, memory: string, value: string) => `${name}: ${memory}, ${value}`,
  },
  columns: {
    storage: 'Precision',
    bits: 'Bits',
    memory: 'Memory',
    loss: 'Loss',
    perplexity: 'Perplexity',
    mean: 'Error',
    max: 'Largest',
    speed: 'Tokens/s',
  },
  tableLabel: 'Precisions compared',
  modules: 'Error of each part',
  modulesOf: 'Precision to look into',
  modulesLabel: 'Errors of each part of the model',
  module: 'Part of the model',
  errorHint:
    'Bits are for each number of the layers, scales included. The error is how far the stored numbers are from the original ones, on average and at most. What counts in the end is the loss: how well the model predicts your rows.',
} as const;

export const dryRun = {
  title: 'Two trial steps',
  text: 'Loads the model, takes two steps over your longest rows and some usual ones, and forgets them. Then memory and time are measured, not guessed.',
  measure: 'Try two steps',
  again: 'Try again',
  stale: 'Something was changed since it was measured.',
  working: 'Loading the model',
  memory: 'Memory, measured',
  memoryText: (measured: string, predicted: string) => `${measured} at most; ${predicted} were estimated`,
  step: 'A usual step',
  longest: 'A step over the longest rows',
  evaluation: 'One check',
  loading: 'Loading',
  total: 'The whole training',
  totalText: (time: string, steps: number) => `${time} for ${countOf(steps, 'step', 'steps')}`,
  fits: 'It fits, also with the longest rows.',
  tight: 'It only just fits. Close other programs before you start.',
  tooMuch: 'It does not fit beside what else is running.',
} as const;

const onTokens = (rows: number, tokens: string): string =>
  `On ${countOf(rows, 'row', 'rows')}, ${tokens} wanted tokens.`;

export const evaluate = {
  title: 'Evaluate on a file',
  text: 'Rows with questions and wanted answers that were not trained. Each is read, and with right answers also answered, by the chosen model.',
  textClasses:
    'Rows of text and category that were not trained. The model sorts each; its class is compared with the wanted one.',
  textMasked:
    'Texts of any kind. 15 % of the words of each row are hidden, always the same ones, and the model looks for them.',
  exactMatch: 'Count right answers',
  exactMatchText: 'Writes an answer to every row and compares it with the wanted one, word for word. Takes longer.',
  withBase: 'Evaluate the base model too',
  withBaseText: 'Shows what the training brought.',
  removeFile: (name: string) => `Leave out ${name}`,
  start: 'Evaluate',
  again: 'Evaluate again',
  working: 'Loading the model',
  resultTitle: 'What came out',
  figure: 'Figure',
  sides: { base: 'Base', tuned: 'Tuned', model: 'Model' },
  loss: 'Loss',
  maskedLoss: 'Loss on hidden words',
  perplexity: 'Perplexity',
  measuredOn: {
    CAUSAL_LM: onTokens,
    SEQ_2_SEQ_LM: onTokens,
    SEQ_CLS: (rows: number) => `On ${countOf(rows, 'row', 'rows')}.`,
    MASKED_LM: (rows: number, tokens: string) =>
      `On ${countOf(rows, 'row', 'rows')}, ${tokens} hidden words. The model sees both sides of a hidden word, so its pseudo-perplexity says nothing beside the perplexity of a model that writes.`,
  },
  wrongTitle: (wrong: number, all: number) =>
    `${countOf(wrong, 'answer', 'answers')} of ${countOf(all, 'row', 'rows')} not as wanted`,
  wrongClasses: (wrong: number, all: number) => `${wrong} of ${countOf(all, 'row', 'rows')} sorted wrongly`,
  wrongLabel: 'Answers that were not as wanted',
  whose: 'Whose answers',
  allRight: 'Every answer is as wanted.',
  question: 'Question',
  textRead: 'Text',
  wanted: 'Wanted',
  answer: 'Answer',
  found: 'Found',
} as const;
