/**
 * @file A decoder with a classification head in place of the words' head: `score` over the state of the last token that is no padding
 * (transformers' GenericForSequenceClassification).
 */
import { applyLinear, linearWeights, makeLinear } from '../nn/linear.ts';
import type { CausalModel, ClassifierModel } from './model.ts';

const HEAD = 'score';

/** @param model its own head is left away */
export function classifyLastToken(model: CausalModel, labels: number): ClassifierModel {
  const score = makeLinear(HEAD, model.facts.hiddenSize, labels, false);
  const left = new Set(model.outputLinears.flatMap((linear) => linearWeights([linear])).map(({ name }) => name));
  const own = linearWeights([score]);
  return {
    ...model,
    kind: 'classifier',
    facts: { ...model.facts, tiedEmbeddings: false },
    labels,
    reads: 'last',
    headModules: [HEAD],
    freshWeights: own.map(({ name }) => name),
    weights: [...model.weights.filter(({ name }) => !left.has(name)), ...own],
    linears: [...model.linears.filter((linear) => !model.outputLinears.includes(linear)), score],
    outputLinears: [score],
    sanitizeName(name) {
      const called = model.sanitizeName(name);
      return called !== null && left.has(called) ? null : called;
    },
    classify: (ctx, states) => applyLinear(ctx, states, score),
  };
}
