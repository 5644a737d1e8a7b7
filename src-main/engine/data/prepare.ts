/**
 * @file From data files to the token ids of a run: read, check, tokenize, split, or refuse with every fault.
 */
import { AppError, formatFault } from '../../../src-shared/domain/app-error.ts';
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import { fewNames, makeNotice } from '../../../src-shared/domain/notices.ts';
import type { DataConfig } from '../../../src-shared/schema/run-config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createChatRenderer } from './chat-renderer.ts';
import type { ClassLabels, ProblemType } from './class-labels.ts';
import type { Example } from './example.ts';
import { findLabels, quoted } from './find-labels.ts';
import { noticeStopTokens } from './notices.ts';
import { rowFaultAt } from './read-examples.ts';
import { labelOf, renderTokenized } from './render-sample.ts';
import { ReportBuilder, type FileRole } from './report-builder.ts';
import { scanFiles } from './scan-files.ts';
import { splitRows } from './split.ts';
import { tokenizeExample, type TokenizeContext } from './tokenize-example.ts';
import type { DataTask, RowSource, TokenizedExample } from './types.ts';

export interface PrepareDataOptions {
  readonly data: Pick<
    DataConfig,
    'train' | 'eval' | 'eval_fraction' | 'format' | 'columns' | 'template' | 'max_length' | 'completion_only_loss'
  >;
  readonly taskType: DataTask;
  readonly tokenizer: Tokenizer;
  /** Rows of the model's embedding; token ids at or above are refused. */
  readonly vocabSize: number;
  readonly seed: number;
  /** What chat templates take for today; give the run's start, so that resuming renders the same. */
  readonly now: Date;
  /** Classifiers: class names in the order of their ids; null = collected from the training rows and sorted. */
  readonly labels?: readonly string[] | null;
  /** Classifiers: names of the model's own classes, taken where the rows have no others. */
  readonly preferredLabels?: readonly string[] | null;
  /** Classifiers: null = by the labels. */
  readonly problemType?: ProblemType | null;
  /** `measure`: nothing is learned from the rows, so one class alone will do. Default `train`. */
  readonly purpose?: 'train' | 'measure';
  /** Leave bad rows out instead of refusing the data. */
  readonly skipBadRows?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number) => void;
}

export interface PreparedData {
  readonly train: readonly TokenizedExample[];
  readonly eval: readonly TokenizedExample[];
  readonly report: DataReport;
  /** Tokens with a label in one epoch (classifiers: rows). */
  readonly supervisedTokens: number;
  /** Class names in the order of their ids; null unless a classifier. */
  readonly labels: readonly string[] | null;
  readonly problemType: ProblemType | null;
}

interface ReadExample {
  readonly example: Example;
  readonly digest: bigint;
  readonly source: RowSource;
}

interface KeptRow {
  readonly tokenized: TokenizedExample;
  readonly digest: bigint;
  readonly supervised: number;
}

type Kept = Readonly<Record<FileRole, KeptRow[]>>;

/**
 * Reads and tokenizes everything a run needs; the examples stay in memory.
 * @throws data/bad-rows with all faults, data/no-rows, data/no-supervised-tokens, chat-template/syntax, Interrupted
 */
export async function prepareData(options: PrepareDataOptions): Promise<PreparedData> {
  const report = new ReportBuilder();
  const isClassifier = options.taskType === 'SEQ_CLS';
  const context = createContext(options);
  const kept: Kept = { train: [], eval: [] };
  const waiting: Readonly<Record<FileRole, ReadExample[]>> = { train: [], eval: [] };
  await scanFiles(filesOf(options), scanOptions(options), report, (example, digest, source, role) => {
    const read = { example, digest, source };
    // A classifier's labels are known only when all rows were seen.
    if (isClassifier) waiting[role].push(read);
    else keepRow(read, role, context, report, kept);
    report.addExample(example, digest, source);
  });
  if (isClassifier) refuseBadRows(report, options.skipBadRows === true);
  const labels = isClassifier ? labelsOf(waiting.train, options, report) : null;
  if (labels !== null) keepWaiting(waiting, { ...context, labels }, report, kept);
  refuseBadRows(report, options.skipBadRows === true);
  const split = splitKept(kept, options, report);
  if (labels !== null && labels.names.length > 0) noticeUntrained(split, labels, report);
  requireSupervision(split, options, report);
  noticeLeftOut(split, report);
  noticeStopTokens(report.notices, context, report.toReport().tokens);
  return {
    train: split.train.map((row) => row.tokenized),
    eval: split.eval.map((row) => row.tokenized),
    report: report.toReport(),
    supervisedTokens: split.train.reduce((sum, row) => sum + row.supervised, 0),
    labels: labels?.names ?? null,
    problemType: labels?.problemType ?? null,
  };
}

function filesOf({ data }: PrepareDataOptions): { train: readonly string[]; eval: readonly string[] } {
  return { train: data.train, eval: data.eval ?? [] };
}

function scanOptions({ data, taskType, signal, onProgress }: PrepareDataOptions) {
  return {
    format: data.format,
    columns: data.columns,
    taskType: taskType === 'MASKED_LM' ? null : taskType,
    signal,
    onProgress,
  };
}

function createContext({ data, taskType, tokenizer, vocabSize, seed, now }: PrepareDataOptions): TokenizeContext {
  return {
    tokenizer,
    renderer: createChatRenderer({ tokenizer, template: data.template, now }),
    taskType,
    maxLength: data.max_length,
    completionOnlyLoss: data.completion_only_loss,
    vocabSize,
    labels: null,
    seed,
  };
}

/** @throws RowFault */
function keepRow(read: ReadExample, role: FileRole, context: TokenizeContext, report: ReportBuilder, kept: Kept): void {
  const { example, digest, source } = read;
  const result = tokenizeExample(example, source, context);
  report.addTokens(result, example, source, context.tokenizer, context.maxLength);
  if (report.wantsSample()) report.addSample(renderTokenized(context.tokenizer, result.tokenized, labelOf(example)));
  // Rows without anything to train are in the report (labels_cut_off); a batch of them would have no loss.
  if (result.supervised > 0) kept[role].push({ tokenized: result.tokenized, digest, supervised: result.supervised });
}

function keepWaiting(
  waiting: Readonly<Record<FileRole, readonly ReadExample[]>>,
  context: TokenizeContext,
  report: ReportBuilder,
  kept: Kept,
): void {
  for (const role of ['train', 'eval'] as const) {
    for (const read of waiting[role]) {
      try {
        keepRow(read, role, context, report, kept);
      } catch (error) {
        const fault = rowFaultAt(error, read.source);
        report.faults.add({ ...fault, field: fault.field && report.columnOf(read.source.file, fault.field) });
      }
    }
  }
}

function labelsOf(rows: readonly ReadExample[], options: PrepareDataOptions, report: ReportBuilder): ClassLabels {
  const labels = rows
    .map(({ example }) => example)
    .filter((example) => example.kind === 'classification')
    .map(({ label }) => label);
  const { labels: given = null, preferredLabels = null, problemType = null, purpose = 'train' } = options;
  return findLabels(labels, { labels: given, preferredLabels, problemType, purpose }, report.notices);
}

/** Classes of which chance, or the files, leave no row to learn from. */
function noticeUntrained(kept: Kept, labels: ClassLabels, report: ReportBuilder): void {
  const idsOf = (rows: readonly KeptRow[]): Set<number> =>
    new Set(rows.flatMap(({ tokenized: { target } }) => (typeof target === 'number' ? [target] : idsIn(target ?? []))));
  const [trained, held] = [idsOf(kept.train), idsOf(kept.eval)];
  const lost = labels.names.filter((_, id) => held.has(id) && !trained.has(id));
  if (lost.length === 0) return;
  const message = `no training row is left of ${quoted(lost)}: all of them are held out for checking`;
  report.notices.tell(makeNotice('data/untrained-classes', fewNames(lost), message));
}

const idsIn = (marks: readonly number[]): number[] => marks.flatMap((mark, id) => (mark === 1 ? [id] : []));

/** With `skipBadRows` a file that cannot be read at all is still refused. */
function refuseBadRows({ faults }: ReportBuilder, skipBadRows: boolean): void {
  const wholeFile = faults.listed.some((fault) => fault.line === null);
  if (faults.total === 0 || (skipBadRows && !wholeFile)) return;
  const count = faults.total === 1 ? 'one fault' : `${faults.total} faults`;
  const first = faults.listed[0]!;
  throw new AppError(
    'data/bad-rows',
    `The data has ${count}${faults.total > 1 ? ', the first' : ''}: ${formatFault(first)}`,
    {
      faults: faults.toFaults(),
      hint: 'Correct or remove the named rows; `tunesmith data inspect` shows them all.',
    },
  );
}

function splitKept(kept: Kept, { data, seed }: PrepareDataOptions, report: ReportBuilder): Kept {
  if (data.eval !== null || data.eval_fraction === 0) return kept;
  const rows = kept.train;
  const split = splitRows(
    rows.map((row) => row.digest),
    data.eval_fraction,
    seed,
  );
  if (split.eval.length === 0 && rows.length > 0) {
    const message = 'there are too few different rows to hold one out, so nothing is evaluated';
    report.notices.tell(makeNotice('data/no-evaluation', {}, message));
  }
  return { train: split.train.map((row) => rows[row]!), eval: split.eval.map((row) => rows[row]!) };
}

function noticeLeftOut(kept: Kept, report: ReportBuilder): void {
  const leftOut = report.toReport().rows - kept.train.length - kept.eval.length;
  if (leftOut === 0) return;
  const message = `${leftOut} row(s) have no token to train within max_length and are left out`;
  report.notices.tell(makeNotice('data/rows-left-out', { rows: leftOut }, message));
}

function requireSupervision(kept: Kept, { data, purpose }: PrepareDataOptions, builder: ReportBuilder): void {
  const report = builder.toReport();
  const need = (role: FileRole): void => {
    if (kept[role].length > 0) return;
    const name = role === 'train' && purpose !== 'measure' ? 'training' : 'evaluation';
    const rows = report.files.filter((file) => file.role === role).reduce((sum, file) => sum + file.rows, 0);
    if (rows === 0)
      throw new AppError('data/no-rows', `There are no usable ${name} rows`, { hint: 'Give a file with rows.' });
    const cut = report.labels_cut_off.count > 0;
    throw new AppError('data/no-supervised-tokens', `None of the ${rows} ${name} rows has a token to train`, {
      hint: cut
        ? `All answers lie beyond max_length (${data.max_length}): raise data.max_length.`
        : 'Check that the rows have answers, or set data.completion_only_loss to false.',
      faults: report.labels_cut_off.examples.map(({ file, line, text }) => ({
        file,
        line,
        message: `cut off: ${text}`,
      })),
    });
  };
  need('train');
  if (data.eval !== null) need('eval');
}
