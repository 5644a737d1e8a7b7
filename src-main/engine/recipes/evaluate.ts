/**
 * @file Evaluates a model, with or without an adapter, on data files: loss and perplexity, and answers where they are asked for.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { prepareData } from '../data/prepare.ts';
import type { TokenizedExample } from '../data/types.ts';
import { evaluateEntry } from '../steps/evaluate-step.ts';
import { cacheVariables, generateEntries } from '../steps/generate-step.ts';
import { chooseChunks } from '../steps/loss-inputs.ts';
import { TableCache } from '../steps/token-inputs.ts';
import { answerExamples } from './answer-examples.ts';
import type { Evaluate, EvaluatedAnswer, EvaluateMetric, EvaluateOptions } from './contract.ts';
import { stopIds } from './generate.ts';
import { openInferenceSession } from './inference-session.ts';
import { measureLoss } from './measure-loss.ts';
import { openModel } from './open-model.ts';

/** Tokens of one batch where nothing else is asked for. */
const BATCH_TOKENS = 2048;
const MOST_ROWS = 32;
const AVAILABLE: readonly EvaluateMetric[] = ['exact_match'];

/** @throws what preparing the data throws, evaluate/unknown-metric */
export const evaluate: Evaluate = async (options) => {
  const { host, maxNewTokens } = options;
  requireMetrics(options.metrics);
  const examples = await readExamples(options);
  const longest = Math.max(...examples.map(({ inputIds }) => inputIds.length));
  const batchSize = options.batchSize ?? chooseBatchSize(longest);
  const writes = options.metrics.includes('exact_match');
  let chunks = 1;
  const session = await openInferenceSession(host, options, (parts) => {
    chunks = chooseChunks(batchSize * longest, parts.model.facts.vocabSize);
    return {
      entries: [evaluateEntry({ ...parts, chunks }), ...(writes ? generateEntries(parts) : [])],
      scratch: writes ? cacheVariables(parts.model, parts.plan) : [],
    };
  });
  try {
    const { program, model } = session;
    const tokenizer = await session.tokenizer();
    const loss = await measureLoss({
      program,
      tables: new TableCache(model),
      examples,
      batchSize,
      chunks,
      padTokenId: tokenizer.padTokenId ?? 0,
      signal: host.signal,
      onProgress: (fraction) => host.report({ event: 'progress', phase: 'Measuring the loss', fraction }),
    });
    const answers = writes
      ? await answerExamples({
          program,
          model,
          tokenizer,
          stops: stopIds(tokenizer, options.data.template),
          examples,
          batchSize: options.batchSize ?? MOST_ROWS,
          maxNewTokens,
          signal: host.signal,
          onProgress: (fraction) => host.report({ event: 'progress', phase: 'Writing answers', fraction }),
        })
      : [];
    const metrics: Record<string, number> = writes ? { exact_match: shareOf(answers) } : {};
    return { ...loss, rows: examples.length, metrics, answers };
  } finally {
    session.dispose();
  }
};

/** Rows of a batch whose longest one has `longest` tokens. */
export function chooseBatchSize(longest: number): number {
  return Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_TOKENS / longest)));
}

/** The rows with their labels; data faults come before the model is loaded. @throws what preparing the data throws */
export async function readExamples({
  modelDir,
  data,
  host,
}: Pick<EvaluateOptions, 'modelDir' | 'data' | 'host'>): Promise<readonly TokenizedExample[]> {
  const { model, folder, tokenizer } = await openModel(modelDir);
  await folder.close();
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
    taskType: 'CAUSAL_LM',
    tokenizer: await tokenizer(),
    vocabSize: model.facts.vocabSize,
    seed: 0,
    now: new Date(),
    signal: host.signal,
  });
  return prepared.train;
}

function requireMetrics(metrics: readonly EvaluateMetric[]): void {
  const unknown = metrics.filter((metric) => !AVAILABLE.includes(metric));
  if (unknown.length === 0) return;
  throw new AppError('evaluate/unknown-metric', `${unknown.join(', ')}: not a figure of language models`, {
    hint: `Choose from ${AVAILABLE.join(', ')}; loss and perplexity are always given.`,
  });
}

function shareOf(answers: readonly EvaluatedAnswer[]): number {
  return answers.filter(({ correct }) => correct).length / Math.max(1, answers.length);
}
