/**
 * @file Evaluates a model, with or without an adapter, on data files: the loss, the figures of its task, and answers where they are asked for.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';
import { longestOf } from '../data/lengths.ts';
import { prepareData } from '../data/prepare.ts';
import type { TokenizedExample } from '../data/types.ts';
import type { LanguageModel } from '../models/model.ts';
import { isWriter } from '../models/registry.ts';
import { evaluateEntry } from '../steps/evaluate-step.ts';
import type { StepTask } from '../steps/step-task.ts';
import { TableCache } from '../steps/token-inputs.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { WeightPlan } from '../weights/plan.ts';
import { type AnswerOptions, answerExamples } from './answer-examples.ts';
import type { Evaluate, EvaluatedAnswer, EvaluateOptions, EvaluateMetric } from './contract.ts';
import { stopIds } from './generate.ts';
import { openInferenceSession } from './inference-session.ts';
import { measureLoss } from './measure-loss.ts';
import { requireFiniteWeights } from './not-finite.ts';
import { type OpenModel, openModelFor } from './open-model.ts';
import { openTokenizer } from './open-tokenizer.ts';
import { DEFAULT_SEED } from './resolve-config.ts';
import { rougeL } from './rouge-l.ts';
import type { Task } from './task.ts';
import { makeTask } from './tasks/make-task.ts';

/** Tokens of one batch where nothing else is asked for. */
const BATCH_TOKENS = 2048;
const MOST_ROWS = 32;
/** Figures of written answers, each the mean over the rows. */
const ANSWER_FIGURES: Partial<Record<EvaluateMetric, (answer: EvaluatedAnswer) => number>> = {
  exact_match: ({ correct }) => Number(correct),
  rouge_l: ({ expected, answer }) => rougeL(expected, answer),
};

/** @throws what preparing the data throws, evaluate/unknown-metric, model/not-finite */
export const evaluate: Evaluate = async (options) => {
  const { host } = options;
  const { examples, tokenizer } = await readExamples(options);
  const longest = longestOf(examples);
  const batchSize = options.batchSize ?? chooseBatchSize(longest);
  const isAsked = options.metrics.some((metric) => metric in ANSWER_FIGURES);
  let measured: Measured;
  let writer: LanguageModel | null = null;
  const session = await openInferenceSession(host, options, (parts) => {
    measured = makeMeasured(parts, tokenizer, batchSize * longest);
    requireMetrics(options.metrics, measured.task);
    writer = isAsked && isWriter(parts.model) ? parts.model : null;
    const answering = writer ? measured.task.answering(parts) : { entries: [] };
    return { ...answering, entries: [evaluateEntry({ ...parts, task: measured.step }), ...answering.entries] };
  });
  try {
    const { program } = session;
    const meter = measured!.task.makeMeter(examples);
    const loss = await measureLoss({
      program,
      ...measured!,
      examples,
      batchSize,
      meter,
      signal: host.signal,
      onProgress: (fraction) => host.report({ event: 'progress', phase: 'Measuring the loss', fraction }),
    });
    if (!Number.isFinite(loss.eval_loss)) await requireFiniteWeights(session.folder.path);
    const told = isAsked ? meter.answers() : [];
    const answers = writer ? await writeAnswers(options, { program, model: writer, tokenizer, examples }) : told;
    const metrics = { ...meter.figures(), ...answerFigures(options.metrics, answers) };
    return { task_type: measured!.task.type, ...loss, rows: examples.length, metrics, answers };
  } finally {
    session.dispose();
  }
};

function writeAnswers(
  { host, data, batchSize, maxNewTokens }: EvaluateOptions,
  parts: Pick<AnswerOptions, 'program' | 'model' | 'tokenizer' | 'examples'>,
): Promise<EvaluatedAnswer[]> {
  return answerExamples({
    ...parts,
    stops: stopIds(parts.tokenizer, data.template),
    batchSize: batchSize ?? MOST_ROWS,
    maxNewTokens,
    signal: host.signal,
    onProgress: (fraction) => host.report({ event: 'progress', phase: 'Writing answers', fraction }),
  });
}

interface Measured {
  readonly task: Task;
  readonly step: StepTask;
}

/** The task of a model and its step. @param labels most labels of a batch */
export function makeMeasured(
  { opened, plan }: { readonly opened: OpenModel; readonly plan: WeightPlan },
  tokenizer: Tokenizer,
  labels: number,
): Measured {
  const { model } = opened;
  const task = makeTask(opened, tokenizer);
  const chunks = chooseChunks(labels, model.facts.vocabSize, plan.compute);
  return { task, step: task.makeStep(new TableCache(model), chunks) };
}

/** Rows of a batch whose longest one has `longest` tokens. */
export function chooseBatchSize(longest: number): number {
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_TOKENS / longest)));
}

export interface ReadExamples {
  readonly examples: readonly TokenizedExample[];
  readonly tokenizer: Tokenizer;
}

/** The rows with their labels; data faults come before the model is loaded. @throws what preparing the data throws */
export async function readExamples({
  modelDir,
  adapterDir,
  data,
  host,
  seed = DEFAULT_SEED,
}: Pick<EvaluateOptions, 'modelDir' | 'adapterDir' | 'data' | 'host' | 'seed'>): Promise<ReadExamples> {
  const opened = await openModelFor(modelDir, adapterDir);
  const { model, folder, classes } = opened;
  await folder.close();
  const tokenizer = await openTokenizer(data, opened);
  const prepared = await prepareData({
    data: {
      train: [...data.paths],
      eval: null,
      eval_fraction: 0,
      format: data.format,
      columns: data.columns,
      template: data.template,
      max_length: data.max_length ?? model.facts.maxPositions,
      completion_only_loss: data.completion_only_loss,
    },
    taskType: makeTask(opened, tokenizer).type,
    tokenizer,
    vocabSize: model.facts.vocabSize,
    seed,
    now: new Date(),
    labels: classes?.names ?? null,
    problemType: classes?.problemType ?? null,
    purpose: 'measure',
    signal: host.signal,
  });
  for (const { file, ...notice } of prepared.report.notices) {
    // What else was noticed concerns training.
    if (file !== null || notice.code === 'data/rows-left-out') host.report({ event: 'notice', step: 0, ...notice });
  }
  return { examples: prepared.train, tokenizer };
}

function requireMetrics(metrics: EvaluateOptions['metrics'], { type, figures }: Task): void {
  const known = [...answerFiguresOf(type), ...Object.keys(figures)];
  const unknown = metrics.filter((metric) => !known.includes(metric));
  if (unknown.length === 0) return;
  throw new AppError('evaluate/unknown-metric', `${unknown.join(', ')}: not a figure of this kind of model`, {
    hint: known.length > 0 ? `Choose from ${known.join(', ')}; the loss is always given.` : 'The loss is always given.',
  });
}

/** A class is right or wrong; ROUGE-L asks how near a text is. */
function answerFiguresOf(type: Task['type']): readonly string[] {
  if (type === 'MASKED_LM') return [];
  return type === 'SEQ_CLS' ? ['exact_match'] : Object.keys(ANSWER_FIGURES);
}

function answerFigures(
  metrics: readonly EvaluateMetric[],
  answers: readonly EvaluatedAnswer[],
): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const metric of metrics) {
    const figure = ANSWER_FIGURES[metric];
    if (!figure || answers.length === 0) continue;
    figures[metric] = answers.reduce((sum, answer) => sum + figure(answer), 0) / answers.length;
  }
  return figures;
}
