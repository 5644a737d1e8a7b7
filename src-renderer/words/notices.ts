/**
 * @file What a person should know of runs, data and core, in the words of the window: a sentence for each code, made of its facts. What
 * earlier releases wrote has no facts and is shown as they said it.
 */
import type { FewNames, NoticeCode, NoticeFacts, Values } from '../../src-shared/domain/notices.ts';
import { findSettings } from '../../src-shared/domain/settings-text.ts';
import { countOf, formatBytes, formatCount, toSentence } from './format.ts';
import { plainText } from './plain-text.ts';
import { describeSetting } from './settings-text.ts';

type Sentences = { readonly [Code in NoticeCode]: (facts: NoticeFacts[Code]) => string };

export const notices: Sentences = {
  'checkpoint/damaged': ({ dir }) => `A checkpoint is damaged and was left out: ${dir}.`,
  'checkpoint/none': () => 'There was no checkpoint yet, so it starts from its first step.',
  'data/delimiter': ({ delimiter }) => `The columns are separated by ${delimiter}.`,
  'data/first-sheet': ({ sheets }) =>
    `The workbook has ${countOf(sheets, 'sheet', 'sheets')}; only the first one is read.`,
  'data/json-lines': () => 'Each line is an object of its own, so the file was read as JSONL.',
  'data/json-list': ({ list }) => `The rows are the list “${list}” inside the file.`,
  'data/labels-are-ids': (classes) => `The numbers in your rows are read as the model’s own classes: ${list(classes)}.`,
  'data/many-numbers': ({ count }) =>
    `Your labels are ${formatCount(count)} different whole numbers, each read as a class. If they are amounts, choose “A number” as what it learns.`,
  'data/no-evaluation': () => 'Too few different rows to keep some aside, so nothing is checked on the way.',
  'data/no-stop-token': () => 'No row ends with a trained stop token, so the model may not learn to stop.',
  'data/other-classes': ({ model, rows }) =>
    `The model was made for other classes (${list(model)}). Those of your rows (${list(rows)}) take their place.`,
  'data/rare-classes': ({ all, ...classes }) => {
    const rare = countOf(classes.names.length + classes.more, 'class occurs', 'classes occur');
    return `${rare} in one row only, of ${formatCount(all)} in all: ${quoted(classes)}.`;
  },
  'data/rows-left-out': ({ rows }) =>
    `${countOf(rows, 'row has', 'rows have')} nothing to learn within the length limit and ${rows === 1 ? 'is' : 'are'} left out.`,
  'data/similar-classes': (classes) =>
    `The classes ${quoted(classes)} differ only in capitals, blanks or hyphens, and are learned as different ones.`,
  'data/stop-token-added': ({ template }) =>
    `The model’s way of writing a chat (${template}) has no sign for the end of an answer, so the stop token is put there.`,
  'data/turn-end-is-no-stop-token': ({ template, token }) =>
    `The model’s way of writing a chat (${template}) ends answers with ${token}, which its own settings do not count as an end. Tunesmith stops there too.`,
  'data/untrained-classes': (classes) =>
    `No row is left to learn ${quoted(classes)} from: all of them are kept aside for checking.`,
  'demo/short': () => 'Without TensorFlow this takes fewer steps.',
  'device/waiting': () => 'Another training is at work; this one starts when it has ended.',
  'engine/changed': ({ engine }) => `It began on another engine. ${engine} is slower and rounds differently.`,
  'engine/eager': () =>
    'The quick way of computing cannot be used here; it goes on more slowly, with the same results.',
  'memory/tight': ({ peak_bytes, available_bytes, limit, fit_bytes, fit_settings }) => {
    const room = formatBytes(available_bytes);
    const have = limit === 'wasm' ? `the small engine can use ${room}` : `${room} are free`;
    const need = `It may need ${formatBytes(peak_bytes)} of memory; ${have}.`;
    if (fit_bytes === null) return `${need} No setting makes it fit: close other programs or choose a smaller model.`;
    const changes = findSettings(fit_settings).map(({ path, value }) => describeSetting(path, value));
    return `${need} It would need ${formatBytes(fit_bytes)} with ${changes.join(', ')}.`;
  },
  'model/fresh-head': ({ stored, classes }) => {
    const why =
      stored === null
        ? 'The model cannot sort texts yet'
        : `The model sorts texts into ${countOf(stored, 'class', 'classes')}`;
    const what = classes === null ? 'your numbers' : `your ${countOf(classes, 'class', 'classes')}`;
    return `${why}, so it gets a new part for ${what}. It begins at random, is trained with the rest and saved with the result.`;
  },
  'run/behind': ({ name, reason }) =>
    `${toSentence(plainText(reason))} “${name}” goes on; what it tells is read from its folder later.`,
  'run/interrupted': ({ name, step }) => `“${name}” was cut off at step ${formatCount(step)}.`,
  'run/set-aside': ({ step, dir }) => `What came after step ${formatCount(step)} is kept as a run of its own: ${dir}.`,
  'run/stays-paused': ({ name }) => `“${name}” stays paused.`,
  'store/copy-failed': ({ reason }) => `No copy of your history was made today: ${toSentence(reason)}`,
  'store/mended': ({ copy, aside }) => {
    const from = copy === null ? 'the folders of your runs' : `the copy of ${copy} and the folders of your runs`;
    return `Your history was damaged. It was made anew from ${from}; the damaged file is ${aside}.`;
  },
  'train/epoch-changed': ({ before, now }) =>
    `A round had ${countOf(before, 'batch', 'batches')} and now has ${formatCount(now)}; this one goes on at the same share of its rows.`,
  'train/plan-changed': ({ before, now, course, step }) => {
    const rate = {
      endless: 'the learning rate goes on as before',
      begun: `the learning rate begins anew at step ${formatCount(step)}`,
      ends: `the learning rate now falls until step ${formatCount(now)}`,
    };
    return `It was planned for ${countOf(before, 'step', 'steps')} and now has ${formatCount(now)}; ${rate[course]}.`;
  },
  'train/step-skipped': ({ step }) =>
    `The gradient of step ${formatCount(step)} was no number, so that step changed nothing.`,
};

/** Something that a person should know. Commands for the terminal are no help in a window. */
export function noticeText(notice: {
  readonly code: string;
  readonly message: string;
  readonly values?: Values;
}): string {
  const { code, message, values } = notice;
  const say = Object.hasOwn(notices, code) ? (notices[code as NoticeCode] as (facts: Values) => string) : null;
  if (say !== null && (values !== undefined || say.length === 0)) return say(values ?? {});
  return toSentence(plainText(message));
}

function list({ names, more }: FewNames): string {
  return `${names.join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}

function quoted({ names, more }: FewNames): string {
  return list({ names: names.map((name) => `“${name}”`), more });
}
