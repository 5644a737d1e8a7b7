/**
 * @file Words of the smaller places: Models, Data, Queue, Compare, Settings.
 */
import { countOf } from './format.ts';

export const models = {
  title: 'Models',
  text: 'Base models to start from. They stay in their folders; Tunesmith only remembers where they are.',
  sources: { sample: 'comes with Tunesmith', imported: 'added by you', found: 'found', hub: 'downloaded' },
  use: 'Start a run with it',
  try: 'Try',
  remove: 'Take off the list',
  removed: (name: string) => `${name} is off the list. Its folder is untouched.`,
  emptyTitle: 'No models yet',
  emptyText: 'Add a folder with a model, or one that was found on this machine.',
  actionsFor: (name: string) => `Actions for ${name}`,
  add: 'Add a model',
} as const;

export const dataPlace = {
  title: 'Data',
  text: 'Files that you looked at or trained on. Look into one before you use it.',
  columns: { name: 'File', format: 'Read as', rows: 'Rows', size: 'Size', when: 'Last read' },
  faults: (count: number) => countOf(count, 'fault', 'faults'),
  look: 'Look into it',
  remove: 'Take off the list',
  removed: (name: string) => `${name} is off the list. The file is untouched.`,
  emptyTitle: 'No data yet',
  emptyText: 'Drop a file to see what is in it: how it is read, what is wrong with it, what would be trained.',
  report: (name: string) => `What is in ${name}`,
  countedWith: 'Tokens counted with',
  noModel: 'No model: without tokens',
  use: 'Start a run with it',
  actionsFor: (name: string) => `Actions for ${name}`,
} as const;

export const queue = {
  title: 'Queue',
  text: 'Runs that wait for their turn. One trains at a time; the next starts by itself, also overnight.',
  hold: 'Hold the queue',
  release: 'Let it run',
  held: 'The queue is held: nothing new starts until you let it run.',
  waiting: 'Waiting',
  ended: 'Done',
  position: (index: number) => `Place ${index}`,
  up: (name: string) => `Move ${name} up`,
  down: (name: string) => `Move ${name} down`,
  remove: (name: string) => `Take ${name} off the queue`,
  removed: (name: string) => `${name} is off the queue.`,
  open: 'Open the run',
  states: {
    waiting: 'Waiting',
    running: 'Training',
    paused: 'Paused',
    stopped: 'Stopped',
    finished: 'Finished',
    failed: 'Failed',
  },
  emptyTitle: 'The queue is empty',
  emptyText: 'In the last step of New run, choose "Add to the queue" to line runs up.',
  clear: 'Clear what is done',
} as const;

export const compare = {
  title: 'Compare',
  text: 'Curves over one another, settings that differ, the same questions side by side.',
  axis: 'Over',
  axes: { step: 'Steps', tokens: 'Tokens', elapsed_ms: 'Time' },
  loss: 'Training loss, smoothed',
  evaluation: 'Loss at each check',
  runs: 'Runs',
  best: 'Best check',
  time: 'Time',
  trainable: 'Numbers that learn',
  differences: 'Settings that differ',
  noDifferences: 'They ran with the same settings.',
  setting: 'Setting',
  notSet: 'not set',
  answers: 'The same questions',
  noAnswers: 'They were not asked the same questions.',
  wanted: 'Wanted',
  noAnswer: 'not asked',
  atStep: (step: string) => `step ${step}`,
  back: 'Back to Runs',
} as const;

export const settings = {
  title: 'Settings',
  look: 'Look',
  theme: 'Colours',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
  notify: 'Tell me when a run has ended',
  notifyText: 'A message of the desktop, also while the window is hidden.',
  engine: {
    title: 'Engine',
    text: 'What computes, and on what.',
    rows: {
      runtime: 'Engine',
      device: 'Runs on',
      threads: 'Threads',
      memory: 'Memory',
      disk: 'Disk of your runs',
      home: 'Folder of your runs',
      node: 'Node',
      features: 'Fast instructions',
    },
    free: (free: string, all: string) => `${free} of ${all} free`,
    diskFree: (free: string) => `${free} free`,
    broken: 'The engine is installed but does not load.',
    missing:
      'TensorFlow is not installed, so the small engine (wasm) is used: models up to 200 million numbers, slowly.',
    install: 'Install TensorFlow',
    repair: 'Install it anew',
    installing: 'Installing',
    installed: 'The engine is installed. New runs use it.',
    check: 'Check this machine',
    checking: 'Checking',
    states: { ok: 'good', warn: 'worth a look', fail: 'needs mending' },
  },
  gpu: {
    title: 'Train on a graphics card',
    inUse: (name: string) => `${name} is used.`,
    none: 'No NVIDIA card was found on this machine, so runs use the processor. With a card and its driver, a GPU engine can be added here.',
    found: (name: string, memory: string) =>
      `${name} with ${memory} is here. With the CUDA 12 engine, runs use it. This downloads several gigabytes.`,
    add: 'Add the GPU engine',
    cpuOnly: 'Tested on Linux with CUDA 12. On Windows it works through WSL2.',
  },
  about: {
    title: 'About',
    version: (version: string) => `Tunesmith ${version}`,
    privacy: 'Nothing is sent anywhere: no telemetry, no account. Your data and models stay on this machine.',
  },
} as const;
