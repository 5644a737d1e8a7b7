/**
 * @file A program of its own: greedy decoding and evaluation of a model through our engine. `decode-program.ts SPEC.json` prints one JSON
 * line per repetition, as python/decode.py does.
 */
import { readFileSync } from 'node:fs';
import { buildBatch } from '../../../src-main/engine/data/batches.ts';
import type { TokenizedExample } from '../../../src-main/engine/data/types.ts';
import { requireWriter } from '../../../src-main/engine/models/registry.ts';
import { greedy } from '../../../src-main/engine/recipes/choose-token.ts';
import { decode } from '../../../src-main/engine/recipes/decode.ts';
import { type InferenceSession, openInferenceSession } from '../../../src-main/engine/recipes/inference-session.ts';
import { evaluateEntry, type ForwardOptions } from '../../../src-main/engine/steps/evaluate-step.ts';
import { cacheVariables, generateEntries } from '../../../src-main/engine/steps/generate-step.ts';
import { languageTask } from '../../../src-main/engine/steps/language-task.ts';
import { chooseChunks } from '../../../src-shared/domain/loss-chunks.ts';
import type { StepTask } from '../../../src-main/engine/steps/step-task.ts';
import { TableCache } from '../../../src-main/engine/steps/token-inputs.ts';
import { benchHost } from '../step-session.ts';
import type { DecodeSpec } from './arms.ts';

async function main(): Promise<void> {
  const spec = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as DecodeSpec;
  const rows = readRows(spec.rows);
  const evaluated = rows.slice(0, spec.evalRows);
  const made: { task?: StepTask } = {};
  const quantization = { method: spec.dtype === 'f32' ? ('none' as const) : ('bf16' as const) };
  const source = { modelDir: spec.model, adapterDir: null, quantization };
  const session = await openInferenceSession(benchHost(spec.bindingPath), source, (parts) => {
    const model = requireWriter(parts.model);
    made.task = taskOf({ ...parts, model }, evaluated);
    const entries = [...generateEntries({ ...parts, model }), evaluateEntry({ ...parts, task: made.task })];
    return { entries, scratch: cacheVariables(model, parts.plan) };
  });
  for (let repetition = 0; repetition <= spec.repetitions; repetition += 1) {
    for (const batch of spec.batches) {
      const prompts = rows.slice(0, batch).map((row) => row.slice(0, spec.promptTokens));
      say({ repetition, batch, ...(await timeDecoding(session, prompts, spec.newTokens)) });
    }
    say({ repetition, ...timeEvaluation(session, made.task!, evaluated) });
  }
  session.dispose();
}

function readRows(file: string): number[][] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { input_ids: number[] }).input_ids);
}

function taskOf({ model, plan }: ForwardOptions, rows: readonly (readonly number[])[]): StepTask {
  if (model.kind !== 'causal') throw new Error('the bench decodes causal language models only');
  const labels = rows.reduce((sum, row) => sum + row.length, 0);
  const chunks = chooseChunks(labels, model.facts.vocabSize, plan.compute);
  return languageTask({ model, tables: new TableCache(model), chunks });
}

/** The first choice ends the prefill; the last one ends the tokens that were read one by one. */
async function timeDecoding(session: InferenceSession, prompts: readonly number[][], newTokens: number) {
  const { program } = session;
  const model = requireWriter(session.model);
  const times: number[] = [];
  const start = performance.now();
  const decoded = await decode({
    program,
    model,
    prompts,
    maxNewTokens: newTokens,
    padTokenId: 0,
    choose(logits, row) {
      if (row === 0) times.push(performance.now());
      return greedy(logits);
    },
    isEnd: () => false,
  });
  return {
    prefill_ms: times[0]! - start,
    decode_ms: times.at(-1)! - times[0]!,
    total_ms: performance.now() - start,
    tokens: decoded.map(({ tokens }) => tokens),
  };
}

/** All rows as one batch, every token but the first with a label. */
function timeEvaluation({ program }: InferenceSession, task: StepTask, rows: readonly number[][]) {
  const examples = rows.map((row): TokenizedExample => {
    const inputIds = Int32Array.from(row);
    const labels = inputIds.slice();
    labels[0] = -100;
    return { inputIds, labels, target: null, decoderIds: null, source: { file: '', line: 1 } };
  });
  const start = performance.now();
  const grid = rows.map((_, index) => [index]);
  const batch = buildBatch(examples, grid, { padTokenId: 0, maxLength: Math.max(...rows.map((row) => row.length)) });
  const { arrays, sizes } = task.arrays(batch, 1 / task.countLabels(batch));
  const { loss } = program.call('evaluate', sizes, arrays);
  return { evaluate_ms: performance.now() - start, loss: loss![0]! };
}

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

await main();
