/**
 * @file Words of the steps from "Base model" to "How to train".
 */
import { countOf, formatBytes, formatCompact } from './format.ts';

export const modelStep = {
  text: 'The model you start from. It knows language already; your examples teach it one thing more.',
  label: 'Models to start from',
  sampleName: 'Sample model',
  sampleText: 'Tiny; made to watch training in a minute. It knows only its own small world.',
  facts: {
    size: 'Size on disk',
    parameters: 'Numbers in it',
    architecture: 'Architecture',
    context: 'Longest text',
    licence: 'Licence',
    stored: 'Stored as',
    template: 'Chat template',
    works: 'How it works',
    layers: 'Layers',
  },
  contextTokens: (count: string) => `${count} tokens`,
  hasTemplate: 'yes',
  noTemplate: 'none: conversations get a plain one',
  readsThenWrites: 'reads a text with one half, writes the answer with the other',
  readsOnly: 'reads a text and sorts it into classes; writes none',
  noLimit: 'no fixed limit',
  fit: { fits: 'Fits', tight: 'Tight', 'too-much': 'Too large', unknown: '' },
  gone: 'Its folder is gone or damaged',
  unsupported: 'Tunesmith cannot train this architecture yet.',
  getNote: 'from the Hugging Face hub',
  importFolder: 'Add a folder with a model',
  importText: 'A folder with config.json, the tokenizer and safetensors files. It stays where it is.',
  imported: (name: string) => `${name} is in the list.`,
  reading: 'Reading the model',
  details: 'About this model',
} as const;

export const methodStep = {
  text: 'The base model stays as it is. Beside some of its matrices come two small ones, and only these learn.',
  adapterLabel: 'Kind of added matrices',
  adapters: {
    lora: { title: 'LoRA', text: 'Two small matrices beside each chosen one. The usual choice, loads everywhere.' },
    rslora: {
      title: 'rsLoRA',
      text: 'LoRA that keeps its strength at high capacity. Worth it from rank 32 on.',
    },
    dora: {
      title: 'DoRA',
      text: 'Learns direction and size apart. Often a little better at low rank, slower and larger.',
    },
    quasi: {
      title: 'Quasi-LoRA',
      text: 'LoRA in which each output also learns how strongly it changes. Exported as an ordinary adapter.',
    },
    whole: {
      title: 'The whole model',
      text: 'No added matrices: all numbers of the model learn. Needs several times the memory; for small models only.',
    },
  },
  targets: {
    title: 'Layers that learn',
    all: 'All layers',
    allText: 'Every matrix of every layer. Learns best.',
    attention: 'Attention only',
    attentionText: 'Query, key, value and output. Smaller; enough for tone and form.',
    own: 'My choice',
    ownText: 'Tick the matrices yourself.',
    group: (name: string, count: number, shapes: string) =>
      `${name}, ${countOf(count, 'matrix', 'matrices')}, ${shapes}`,
  },
  rankLow: 'Very little can be learned with so few numbers.',
  rankHigh: 'More than most data can fill: it may learn your rows by heart.',
  alphaOdd: 'Unusually far from the rank: the change may be too strong or too weak.',
  picture: {
    title: 'How it works',
    text: (rank: string) =>
      `W is a matrix of the model and stays. B and A learn; between them is a narrow place, ${rank} numbers wide: the rank.`,
    example: (name: string, inputs: string, outputs: string) => `Drawn to scale: ${name}, ${inputs} × ${outputs}.`,
    frozen: 'stays as it is',
    learns: 'learns',
  },
} as const;

export const precisionStep = {
  text: 'How many bits each number of the base model gets in memory. Fewer bits need less memory.',
  label: 'Precision of the base model',
  options: {
    int8: {
      title: '8 bits (INT8)',
      text: 'A quarter of the full memory. Hardly any loss; each step takes a little longer.',
    },
    nf4: {
      title: '4 bits (NF4)',
      text: 'An eighth of the full memory. A small loss that training mostly makes up for; slower steps. This is QLoRA.',
    },
    none: { title: 'Full, 32 bits', text: 'Exact. For small models, or where memory is plenty.' },
    bf16: {
      title: 'Half, 16 bits',
      text: 'Half the memory and usually faster; no difference to be seen in the result.',
    },
  },
  because: {
    none: 'because the model is stored in 32 bits',
    bf16: 'because the model is stored in 16 bits: nothing is lost',
    int8: 'because larger ones do not fit this machine',
    nf4: 'because larger ones do not fit this machine',
  },
  modelMemory: (size: string) => `${size} for the base model`,
  totalMemory: (size: string) => `about ${size} in all`,
  measuredLoss: (loss: string) => `loss ${loss} on your rows`,
} as const;

export const trainingStep = {
  text: 'How long and how strongly the model learns.',
  presetLabel: 'How thorough',
  presets: {
    quick: { title: 'Quick', text: 'A first look whether it learns at all.' },
    balanced: { title: 'Balanced', text: 'Enough rounds for your data. A good first real run.' },
    thorough: {
      title: 'Thorough',
      text: 'More capacity and more rounds; stops by itself when it no longer gets better.',
    },
  },
  because: (rows: string) => `because ${rows} need this many rounds`,
  facts: (epochs: string, steps: string, time: string) => [epochs, steps, time].filter(Boolean).join(' · '),
  epochs: (count: number) => countOf(count, 'round', 'rounds'),
  stepsCount: (count: number) => countOf(count, 'step', 'steps'),
  simple: 'Simple',
  advanced: 'Advanced',
  mode: 'How much to decide',
  groups: {
    length: 'Length of the training',
    change: 'Size of the changes',
    batches: 'Batches and memory',
    checking: 'Checking and saving',
    optimizer: 'Fine points of the optimizer',
    data: 'Data',
    other: 'Other',
  },
  byHand: 'Set by hand',
  reset: 'Back to recommended',
  settled: 'Off, because a model that sorts reads each example by itself.',
  schedulers: {
    constant: 'stays the same',
    constant_with_warmup: 'rises, then stays',
    linear: 'rises, then falls evenly',
    cosine: 'rises, then falls in a curve',
    cosine_with_restarts: 'falls in waves',
    polynomial: 'falls in a steeper curve',
    inverse_sqrt: 'falls fast, then slowly',
  },
  optimizers: { adamw: 'AdamW', adam: 'Adam', sgd: 'SGD with momentum', lion: 'Lion', adafactor: 'Adafactor' },
  checkpointing: { auto: 'When memory is short', true: 'Always', false: 'Never' },
  warnings: {
    rateHigh: 'High: the model may fall apart. Watch the first steps.',
    rateLow: 'Low: it may hardly learn in this time.',
    epochsMany: 'Many rounds: it may learn your rows by heart.',
    batchLarge: 'Only a few steps remain in each round; learning may be coarse.',
    dropoutHigh: 'More than half is left out: little is learned.',
  },
} as const;

export const checkStep = {
  text: 'What will happen, against what this machine has. Nothing has started yet.',
  ready: 'Everything is ready.',
  readyWithWarnings: 'It can start. Some things are worth a look.',
  blocked: 'Something has to be settled before it can start.',
  lookAgain: 'Look again',
  keepFewer: 'Keep one checkpoint only',
  useLoss: 'Choose by the loss',
  goTo: (step: string) => `Go to ${step}`,
  facts: 'In numbers',
  rows: {
    data: 'Examples',
    dataText: (train: string, evaluation: string) => `${train} to learn from, ${evaluation} to check with`,
    supervised: 'Trained tokens in each round',
    classified: 'Rows with a class',
    classes: 'Classes',
    number: 'a number',
    stop: 'Knows when to stop',
    stopText: (rows: string, all: string) => `${rows} of ${all} rows end with a stop token`,
    trainable: 'Numbers that learn',
    memory: 'Memory',
    disk: 'Disk',
    diskText: (size: string, free: string) => `${size} of ${free} free`,
    exportDisk: 'Disk for an export',
    exportText: (size: string) => `little for an adapter, about ${size} for the whole model`,
    time: 'Time',
    engine: 'Engine',
  },
  notKnown: 'not known yet',
  planning: 'The engine works out what this run needs',
  exact: 'Worked out by the engine from your data.',
  makeFit: {
    action: 'Make it fit',
    proposal: (size: string) => `With the least harmful change it needs ${size}:`,
    none: 'No change makes it fit. Choose a smaller model.',
    done: 'Changed, so that it fits.',
  },
  checks: {
    'no-files': () => 'There is no data yet.',
    reading: () => 'Your data is being read.',
    'read-failed': () => 'Your data could not be read.',
    'no-rows': () => 'There is no usable row in your data.',
    'bad-rows': (count: number) => `${countOf(count, 'row', 'rows')} of your data cannot be used.`,
    'nothing-trained': () => 'Nothing would be trained: no row has an answer within the limit.',
    'one-class': () => 'All rows have the same class: there is nothing to tell apart.',
    'labels-cut-off': (count: number) =>
      `${countOf(count, 'row loses', 'rows lose')} the whole answer to the length limit.`,
    truncated: (count: number) => `${countOf(count, 'row is', 'rows are')} cut at the length limit.`,
    duplicates: (count: number) => `${countOf(count, 'row repeats', 'rows repeat')} another one.`,
    overlap: (count: number) =>
      `${countOf(count, 'checking row is', 'checking rows are')} trained too, so the check looks too good.`,
    'few-rows': (count: number) =>
      `${countOf(count, 'example is', 'examples are')} very few: expect it to learn them by heart.`,
    'no-eval': () => 'No rows are kept aside, so you will not see whether it learns the task or learns by heart.',
    'no-stop-token': () => 'No row ends with a trained stop token: the model may not learn to stop.',
    'no-model': () => 'No base model is chosen.',
    'model-faults': () => 'The chosen model cannot be used.',
    'beyond-small-engine': (most: number) =>
      `The model is too large for the small engine, which takes up to ${formatCompact(most)} numbers. Install TensorFlow in Settings, or choose a smaller model.`,
    'too-long-for-model': (count: number) =>
      `The model reads at most ${countOf(count, 'token', 'tokens')}; the length limit is higher.`,
    'no-targets': () => 'No layer is chosen to learn.',
    'metric-not-measured': () =>
      'The figure that this configuration chose its best checkpoint by is not measured for what it learns now. The loss takes its place.',
    'memory-too-much': (most: number) =>
      most > 0
        ? `This probably needs more than the ${formatBytes(most)} of memory that the small engine can use.`
        : 'This probably needs more memory than is free now.',
    'memory-tight': () => 'The memory only just suffices. Close other programs before you start.',
    'disk-too-small': () => 'The disk has not enough room for the checkpoints and the result.',
    'plan-failed': () => 'The engine cannot run this configuration.',
    'engine-broken': () => 'The engine does not load. Settings show why and how to mend it.',
  },
} as const;

export const runStep = {
  text: 'One look, then it starts. You can pause or stop at any time; what was learned is kept.',
  namePlaceholder: 'For instance: polite support answers',
  summary: 'In one paragraph',
  sentence: (model: string, method: string, rank: number, data: string) =>
    `${model} learns from ${data} with ${method} of rank ${rank}.`,
  start: 'Start training',
  queue: 'Add to the queue',
  busy: (name: string) =>
    `${name} is training now. This one can wait in the queue and starts when the machine is free.`,
  queued: 'It is in the queue.',
  blockedTitle: 'It cannot start yet',
  config: 'The whole configuration',
  configText:
    'As the command line takes it: `tunesmith train --config file.json`. It can be changed here too; this also reaches settings that have no control of their own.',
  configLabel: 'Configuration as JSON',
  configApply: 'Take over the changes',
  configReset: 'Drop the changes',
  configTaken: 'The configuration was taken over.',
} as const;
