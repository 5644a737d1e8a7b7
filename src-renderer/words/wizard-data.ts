/**
 * @file Words of the step "Your data" and of the data report, which the Data page shows too.
 */
import { countOf } from './format.ts';

export const dataWords = {
  text: 'A file with examples of what the model should do. It stays where it is and is never changed.',
  drop: 'Drop a file here',
  dropText: 'CSV, TSV, Excel, JSON, JSONL, Parquet or plain text. One row is one example.',
  choose: 'Choose files',
  zone: 'Files with examples',
  again: 'Used before',
  addMore: 'Add files',
  readAgain: 'Read again',
  reading: 'Reading your data',
  uploading: (name: string) => `Taking in ${name}`,
  removeFile: (name: string) => `Remove ${name}`,
  fileFacts: (rows: number, size: string) => [countOf(rows, 'row', 'rows'), size].filter(Boolean).join(', '),
  roles: { train: 'to learn from', eval: 'to check with' },
  asEval: 'Use for checking',
  asTrain: 'Use for learning',
  unreadable: 'not readable',
  formats: {
    auto: 'Find out',
    messages: 'Conversations',
    sharegpt: 'Conversations (ShareGPT)',
    alpaca: 'Instructions',
    prompt_completion: 'Questions and answers',
    text: 'Plain texts',
    classification: 'Texts with a category',
    tokens: 'Token numbers',
  },
  recognised: (format: string) => `Read as: ${format.toLowerCase()}`,
  because: (reason: string) => `Because ${reason}.`,
  considered: 'Also looked at',
  mapping: {
    title: 'Which column is what',
    text: 'Click a column for each part. What is recognised is chosen already.',
    format: 'Kind of examples',
    parts: {
      messages: 'Conversation',
      conversations: 'Conversation',
      prompt: 'Question',
      completion: 'Answer',
      instruction: 'Instruction',
      input: 'Input',
      output: 'Answer',
      system: 'System message',
      text: 'Text',
      label: 'Class',
    } as Readonly<Record<string, string>>,
    optional: 'if there is one',
    reset: 'Find out again',
    unmapped: 'Tunesmith could not tell which columns hold what. Choose them here.',
  },
  doctor: {
    title: 'Data doctor',
    allGood: (rows: number) => `All ${countOf(rows, 'row', 'rows')} can be used. Nothing to mend.`,
    rows: (usable: number, bad: number) =>
      bad === 0
        ? `${countOf(usable, 'row', 'rows')}, all usable`
        : `${countOf(usable, 'usable row', 'usable rows')}, ${bad} not`,
    examples: 'Show where',
    sameAs: (row: number) => `the same as row ${row}`,
    row: (file: string, row: number) => `${file}, row ${row}`,
    file: (file: string) => file,
    faultsMore: (count: number) => `and ${countOf(count, 'more', 'more')}`,
    found: {
      'bad-rows': {
        title: (count: number) => `${countOf(count, 'row', 'rows')} cannot be used`,
        text: 'Training starts only when every row is right, so that nothing is left out without your knowing. Leave them out, or correct them in the file and read it again.',
      },
      encoding: {
        title: (count: number) => `${countOf(count, 'place', 'places')} in an older encoding`,
        text: 'Letters with accents and other signs are stored in a way that was usual before UTF-8. A copy in UTF-8 reads well.',
      },
      empty: {
        title: (count: number) => `${countOf(count, 'row', 'rows')} cannot be used: a part is empty`,
        text: 'A question or an answer is missing, so there is nothing to learn from them.',
      },
      'role-order': {
        title: (count: number) => `${countOf(count, 'row', 'rows')} cannot be used: messages in an odd order`,
        text: 'Messages have to take turns, and there has to be an answer to learn.',
      },
      truncated: {
        title: (count: number) => `${countOf(count, 'row is', 'rows are')} longer than the limit`,
        text: 'Their end is cut off. Raise the limit to keep them whole; that takes more memory.',
      },
      'labels-cut-off': {
        title: (count: number) => `${countOf(count, 'row loses', 'rows lose')} the whole answer`,
        text: 'The answer begins after the limit, so nothing of these rows is learned.',
      },
      duplicates: {
        title: (count: number) => `${countOf(count, 'row repeats', 'rows repeat')} an earlier one`,
        text: 'They count more than others. A few do no harm.',
      },
      overlap: {
        title: (count: number) => `${countOf(count, 'checking row is', 'checking rows are')} also trained`,
        text: 'The check then looks better than it is. Keep rows aside from the training file instead.',
      },
    },
    fixes: {
      raise: (length: number) => `Allow ${length} tokens`,
      holdOut: 'Keep rows aside instead',
      convert: 'Make a copy in UTF-8',
      leaveOutBad: 'Leave them out',
      leaveOutDuplicates: 'Keep one of each',
    },
    repairing: 'Copying the good rows',
    fixed: {
      converted: 'A copy in UTF-8 is used now. Your own file is untouched.',
      raise: (length: number) => `Rows may now have ${length} tokens.`,
      leftOut: (rows: number) =>
        `${countOf(rows, 'row was', 'rows were')} left out in a copy. Your own file is untouched.`,
      holdOut: 'The checking file is no longer used; rows of the training file are kept aside.',
    },
    notices: 'Also noticed',
  },
  task: {
    title: 'What the model is to do',
    types: { CAUSAL_LM: 'Write answers', SEQ_CLS: 'Sort into classes' },
    classify: 'It reads a text and says which class it belongs to, with a probability for each.',
    write: 'It writes the class as its answer, word by word, as it would write any answer.',
    problem: 'What a row says',
    problems: {
      auto: 'Find out',
      single_label_classification: 'One class',
      multi_label_classification: 'Several classes',
      regression: 'A number',
    },
    classes: (count: number) => countOf(count, 'class', 'classes'),
    rows: (rows: string) => `${rows} rows`,
    names: 'Names and their order',
    namesText: 'One name a line, in the order of their numbers. Empty: every class of your data, sorted.',
    namesPlaceholder: 'As found in your data',
  },
  samples: {
    title: 'What the model sees and learns',
    legend: 'Underlined is trained; the rest is only read.',
    facts: (tokens: number, supervised: number) => `${countOf(tokens, 'token', 'tokens')}, ${supervised} trained`,
    factsOfClass: (tokens: number) => `${countOf(tokens, 'token', 'tokens')} to read, and the class to learn`,
    next: 'Next example',
    previous: 'Previous example',
    position: (index: number, total: number) => `Example ${index} of ${total}`,
  },
  histogram: {
    title: 'How long the rows are',
    limit: (length: string) => `Longest that is read: ${length}`,
    beyond: (length: string) => `Longest that is read: ${length}, more than any row has`,
    bar: (from: string, to: string, rows: number) => `${from} to ${to} tokens: ${countOf(rows, 'row', 'rows')}`,
    summary: (mean: string, longest: string) => `${mean} tokens on average, ${longest} at most.`,
    inParts:
      'The longer of text and answer counts: this model reads the one and writes the other, each up to the limit.',
    needsModel: 'Lengths are counted when a base model is chosen.',
  },
  evaluation: {
    title: 'Checking',
    rows: (rows: number) => `${countOf(rows, 'row', 'rows')} kept aside`,
    own: 'You gave a file of its own for checking.',
  },
  picker: {
    title: 'Choose a folder',
    files: 'Choose files',
    places: 'Places',
    up: 'Up',
    empty: 'Nothing here.',
    choose: 'Use this folder',
  },
} as const;
