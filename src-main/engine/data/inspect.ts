/**
 * @file Looks through data files without keeping their rows: for `data inspect` and the data doctor of the wizard.
 *
 * With a tokenizer it also counts tokens, finds what would be cut or not trained, and shows rows as the model will see them.
 */
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import type { DataConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { createChatRenderer } from './chat-renderer.ts';
import { createClassLabels, guessProblemType, type ClassLabels, type ProblemType } from './class-labels.ts';
import { noticeOddClasses } from './find-labels.ts';
import { noticeStopTokens } from './notices.ts';
import { labelOf, renderPlainExample, renderTokenized } from './render-sample.ts';
import { ReportBuilder } from './report-builder.ts';
import { scanFiles } from './scan-files.ts';
import { tokenizeExample, type TokenizeContext } from './tokenize-example.ts';

export interface InspectDataOptions {
  readonly train: readonly string[];
  readonly eval?: readonly string[];
  /** Default `auto`. */
  readonly format?: DataConfig['format'];
  readonly columns?: DataConfig['columns'];
  /** null or left out = not known yet. */
  readonly taskType?: TaskType | null;
  /** null or left out = no tokens are counted. */
  readonly tokenizer?: Tokenizer | null;
  readonly template?: string | null;
  /** Default: no limit. */
  readonly maxLength?: number;
  /** Default true. */
  readonly completionOnlyLoss?: boolean;
  /** Rows of the model's embedding; default the tokenizer's size. */
  readonly vocabSize?: number;
  readonly labels?: readonly string[] | null;
  readonly problemType?: ProblemType | null;
  readonly now?: Date;
  readonly signal?: AbortSignal;
  readonly onProgress?: (rows: number) => void;
}

/**
 * Faults are part of the report, not thrown.
 * @throws chat-template/syntax, Interrupted
 */
export async function inspectData(options: InspectDataOptions): Promise<DataReport> {
  const report = new ReportBuilder();
  const taskType = options.taskType ?? null;
  const context = options.tokenizer ? createContext(options.tokenizer, options) : null;
  const { signal, onProgress } = options;
  const scan = {
    format: options.format ?? 'auto',
    columns: options.columns ?? {},
    taskType,
    signal,
    onProgress,
  } as const;
  await scanFiles({ train: options.train, eval: options.eval ?? [] }, scan, report, (example, digest, source) => {
    if (context === null) {
      report.addExample(example, digest, source);
      if (report.wantsSample()) report.addSample(renderPlainExample(example, source));
      return;
    }
    const result = tokenizeExample(example, source, context);
    report.addExample(example, digest, source);
    report.addTokens(result, example, source, context.tokenizer, context.maxLength);
    if (report.wantsSample()) report.addSample(renderTokenized(context.tokenizer, result.tokenized, labelOf(example)));
  });
  if (context !== null) noticeStopTokens(report.notices, context, report.toReport().tokens);
  if (taskType === 'SEQ_CLS') noticeClasses(report, options);
  return report.toReport();
}

/** What is odd about the classes, as a run would say it. */
function noticeClasses(report: ReportBuilder, { labels, problemType }: InspectDataOptions): void {
  const counts = new Map(report.toReport().labels?.map(({ name, rows }) => [name, rows]));
  const isRegression = (problemType ?? guessProblemType(counts.keys())) === 'regression';
  if (!isRegression) noticeOddClasses(counts, labels ?? [...counts.keys()], report.notices);
}

function createContext(tokenizer: Tokenizer, options: InspectDataOptions): TokenizeContext {
  return {
    tokenizer,
    renderer: createChatRenderer({ tokenizer, template: options.template ?? null, now: options.now ?? new Date() }),
    taskType: options.taskType ?? 'CAUSAL_LM',
    maxLength: options.maxLength ?? Number.MAX_SAFE_INTEGER,
    completionOnlyLoss: options.completionOnlyLoss ?? true,
    vocabSize: options.vocabSize ?? tokenizer.vocabSize,
    labels: inspectedLabels(options),
    seed: 0,
  };
}

/** Given labels are checked; without them every label is welcome and only counted. */
function inspectedLabels({ labels, problemType }: InspectDataOptions): ClassLabels {
  if (labels) return createClassLabels(problemType ?? 'single_label_classification', labels);
  return { problemType: problemType ?? 'single_label_classification', names: [], targetOf: () => 0 };
}
