/**
 * @file The figures of an evaluation as a terminal shows them.
 */
import type { EvaluateResult } from '../engine/recipes/contract.ts';
import { formatFigure, formatTable } from './format.ts';

/** What the engine calls the figures, and people. */
const NAMES: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  f1: 'F1, mean of the classes (macro)',
  f1_weighted: 'F1, weighted by rows',
  exact_match: 'Right answers',
  mean_token_accuracy: 'Token accuracy',
  rouge_l: 'ROUGE-L',
  mse: 'Mean squared error',
  mae: 'Mean absolute error',
  r: 'Correlation',
  pseudo_perplexity: 'Pseudo-perplexity of masked tokens',
  masked_accuracy: 'Masked tokens found',
};

/** A masked language model's loss is none of a model that writes; the words must say so. */
const LOSS = { MASKED_LM: 'Loss on masked tokens' } as Readonly<Record<string, string>>;
const COUNTED = { MASKED_LM: 'Masked tokens', SEQ_CLS: null } as Readonly<Record<string, string | null>>;

/** @param seed of the masks, where tokens were masked */
export function describeEvaluated(result: EvaluateResult, seed: number): string {
  const { task_type: task, eval_loss, perplexity, rows, tokens, metrics } = result;
  const counted = task in COUNTED ? COUNTED[task]! : 'Tokens';
  const table = formatTable(
    [LOSS[task] ?? 'Loss', formatFigure(eval_loss)],
    [
      ...(perplexity === null ? [] : [['Perplexity', formatFigure(perplexity)]]),
      ...Object.entries(metrics).map(([name, value]) => [NAMES[name] ?? name, formatFigure(value)]),
      ['Rows', String(rows)],
      ...(counted === null ? [] : [[counted, String(tokens)]]),
    ],
  );
  return task === 'MASKED_LM' ? `${table}\n\n${explainMasks(seed)}` : table;
}

const explainMasks = (seed: number): string =>
  [
    `15 % of the tokens of each row are hidden, chosen by seed ${seed} (of them 80 % masked, 10 % replaced at random, 10 % left);`,
    'rows of token ids with labels keep theirs. The model sees the text on both sides of a hidden token, so its',
    'pseudo-perplexity says nothing beside the perplexity of a model that writes.',
  ].join('\n');
