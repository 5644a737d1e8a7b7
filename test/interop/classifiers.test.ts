/**
 * @file Classifiers of every encoder family and of decoders against transformers and PEFT, from the same folders: logits, adapters both
 * ways, a loss trace of five steps, merged models, quantized runs; and the encoders' heads for words: logits, and the loss on masked words.
 *
 * Tolerances as in families.test.ts, for its reasons. The last test writes the encoders' lines of the README's table.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ENCODER_TYPES } from '../../src-main/engine/models/registry.ts';
import { evaluate, readExamples } from '../../src-main/engine/recipes/evaluate.ts';
import { exportModel } from '../../src-main/engine/recipes/export-model.ts';
import { computeLogits } from '../../src-main/engine/recipes/logits.ts';
import { mergeAdapter } from '../../src-main/engine/recipes/merge.ts';
import { openModel } from '../../src-main/engine/recipes/open-model.ts';
import { CLASSIFIER_CASES, type ClassifierCase } from './support/classifier-cases.ts';
import { lossLeft, makeHost, trainInProcess } from './support/engine-run.ts';
import { VOCAB } from './support/family-case.ts';
import { MOST_LEFT, noFigures, writeFamilyTable } from './support/family-table.ts';
import { PLAIN_TRAINING } from './support/plain-training.ts';
import { REFERENCE_TIMEOUT_MS, type ReferenceTask, type ReferenceTrace, runReference } from './support/python.ts';
import { randomTokens } from './support/random.ts';
import { largestDifference, readOnlyTensor } from './support/tensors.ts';
import { makeWorkFolder } from './support/work-folder.ts';
import { wordText, writeWordTokenizer } from './support/word-tokenizer.ts';

const TOLERANCE = 1e-4;
const STEPS = 5;
const BATCH = 4;
const LEAST_CHANGE = 0.05;
const WORDS = VOCAB - 5;
const TRAINING = { ...PLAIN_TRAINING, per_device_train_batch_size: BATCH };

const NAMED = CLASSIFIER_CASES.map((one, index) => ({ title: `${one.type}: ${one.name}`, ...one, index }));
const ENCODERS = NAMED.filter(({ type }) => ENCODER_TYPES.includes(type));

const folder = makeWorkFolder('classifiers');
const place = (index: number, name: string) => path.join(folder, String(index), name);
const namesOf = ({ labels }: ClassifierCase) => Array.from({ length: labels }, (_, id) => `class ${id}`);
/** No padding token inside: some families stop reading there. */
const tokensOf = (index: number) => randomTokens(index, 21, VOCAB - 2).map((id) => id + 2);

interface Reference {
  readonly trace: ReferenceTrace;
  readonly change: number;
  readonly targets: readonly string[];
}
const references: Reference[] = [];
/** An encoder writes no text. */
const figures = NAMED.map(() => ({ ...noFigures(), tokens: null }));

function tasksOf(
  { type, config, make, edits = [], problem, labels, targets }: ClassifierCase,
  index: number,
): ReferenceTask[] {
  const model = place(index, 'model');
  const adapter = place(index, 'adapter');
  const tokens = tokensOf(index);
  const settings = { ...config, num_labels: labels, problem_type: problem };
  return [
    { op: 'make_headed_model', folder: model, model_type: type, config: settings, seed: index, ...make },
    ...edits.map((edit) => ({ ...edit, folder: model })),
    { op: 'headed_logits', folder: model, tokens, out: place(index, 'reference.safetensors') },
    {
      op: 'make_class_adapter',
      model,
      folder: adapter,
      peft: { r: 3, lora_alpha: 6, target_modules: targets ?? 'all-linear' },
    },
    { op: 'class_adapter_logits', model, folder: adapter, tokens, out: place(index, 'adapted.safetensors') },
    {
      op: 'train_classifier',
      ...{ model, adapter, rows: place(index, 'rows.jsonl'), training: TRAINING, problem_type: problem },
      labels: namesOf(CLASSIFIER_CASES[index]!),
    },
  ];
}

const maskedTasks = (index: number, { type, config, make }: ClassifierCase): ReferenceTask[] => {
  const model = place(index, 'masked');
  return [
    { op: 'make_headed_model', folder: model, model_type: type, config, seed: index, head: 'masked', ...make },
    {
      op: 'headed_logits',
      folder: model,
      tokens: tokensOf(index),
      out: place(index, 'words.safetensors'),
      head: 'masked',
    },
  ];
};

beforeAll(async () => {
  const tasks = NAMED.map(({ index }) => {
    mkdirSync(place(index, 'model'), { recursive: true });
    writeRows(index);
    return tasksOf(CLASSIFIER_CASES[index]!, index);
  });
  const masked = ENCODERS.flatMap(({ index }) => maskedTasks(index, CLASSIFIER_CASES[index]!));
  const results = await runReference(folder, [...tasks.flat(), ...masked]);
  let done = 0;
  for (const { length } of tasks) {
    done += length;
    const [made, adapted, trace] = results.slice(done - 3, done);
    references.push({
      trace: trace as unknown as ReferenceTrace,
      change: adapted!['change_from_base'] as number,
      targets: made!['targets'] as string[],
    });
  }
}, REFERENCE_TIMEOUT_MS);

/** Texts of several lengths. */
function writeRows(index: number): void {
  const one = CLASSIFIER_CASES[index]!;
  writeWordTokenizer(place(index, 'model'), VOCAB, one.pad ?? 0);
  const names = namesOf(one);
  const labelOf = (row: number): unknown => {
    if (one.problem === 'regression') return (row % 7) / 3 - 1.5;
    if (one.problem === 'single_label_classification') return names[row % names.length];
    return names.filter((_, id) => (row >> id) % 2 === 1);
  };
  const lines = Array.from({ length: STEPS * BATCH }, (_, row) => {
    const text = wordText(randomTokens(100 + (row % 8), 4 + ((row * 7) % 15), WORDS));
    return `${JSON.stringify({ text, label: labelOf(row) })}\n`;
  });
  writeFileSync(place(index, 'rows.jsonl'), lines.join(''));
}

/** A run over the rows in their order. */
function configOf(index: number, more: Readonly<Record<string, unknown>> = {}) {
  const one = CLASSIFIER_CASES[index]!;
  return {
    model: { path: place(index, 'model') },
    task_type: 'SEQ_CLS',
    problem_type: one.problem,
    ...(one.problem !== 'regression' && { labels: namesOf(one) }),
    data: { train: [place(index, 'rows.jsonl')], eval: null, eval_fraction: 0, max_length: 60, shuffle: false },
    quantization: { method: 'none' },
    peft: { peft_type: 'LORA', adapter_path: place(index, 'adapter') },
    training: { ...TRAINING, sample_prompts: [] },
    ...more,
  };
}

async function logitsOf(modelDir: string, adapterDir: string | null, index: number) {
  const source = { modelDir, adapterDir, decoderTokens: null };
  return computeLogits({ host: await makeHost(), ...source, input: { tokens: tokensOf(index) } });
}

test.each(NAMED)('logits of $title', async ({ index, labels }) => {
  const ours = await logitsOf(place(index, 'model'), null, index);
  expect(ours.shape).toEqual([1, labels]);
  const theirs = readOnlyTensor(place(index, 'reference.safetensors'));
  expect((figures[index]!.logits = largestDifference(ours.data, theirs.data))).toBeLessThanOrEqual(TOLERANCE);
});

test.each(NAMED)('logits of PEFT’s adapter on $title', async ({ index }) => {
  const ours = await logitsOf(place(index, 'model'), place(index, 'adapter'), index);
  const theirs = readOnlyTensor(place(index, 'adapted.safetensors'));
  expect(largestDifference(ours.data, theirs.data)).toBeLessThanOrEqual(TOLERANCE);
  expect(references[index]!.change).toBeGreaterThan(LEAST_CHANGE);
});

test.each(NAMED.filter(({ targets }) => targets === undefined))(
  'PEFT adapts the same linears of $title',
  async ({ index }) => {
    const { model, folder: files } = await openModel(place(index, 'model'));
    await files.close();
    const ours = model.linears.filter((linear) => !model.outputLinears.includes(linear)).map(({ path: name }) => name);
    expect([...ours].sort()).toEqual(references[index]!.targets);
  },
);

test.each(NAMED)('five training steps of $title', async ({ index }) => {
  const { trace } = references[index]!;
  const steps = await trainInProcess(place(index, 'run'), configOf(index));
  const losses = steps.map(({ loss }) => loss);
  expect(losses).toHaveLength(STEPS);
  expect((figures[index]!.loss = largestDifference(losses, trace.loss))).toBeLessThanOrEqual(TOLERANCE);
  const norms = steps.map(({ grad_norm: norm }, step) => norm / trace.grad_norm[step]! - 1);
  for (const norm of norms) expect(Math.abs(norm)).toBeLessThanOrEqual(1e-3);
});

test(
  'trained adapters and merged models give transformers our logits',
  async () => {
    const host = await makeHost();
    const tasks: ReferenceTask[] = [];
    for (const { index } of NAMED) {
      const [modelDir, adapterDir] = [place(index, 'model'), place(index, 'run/adapter')];
      await mergeAdapter({ host, modelDir, adapterDir, outputDir: place(index, 'merged'), dtype: 'f32' });
      const tokens = tokensOf(index);
      tasks.push(
        { op: 'class_adapter_logits', model: modelDir, folder: adapterDir, tokens, out: place(index, 'peft') },
        { op: 'headed_logits', folder: place(index, 'merged'), tokens, out: place(index, 'whole') },
      );
    }
    await runReference(folder, tasks);
    for (const { index, title } of NAMED) {
      const ours = await logitsOf(place(index, 'model'), place(index, 'run/adapter'), index);
      const differenceTo = (name: string): number =>
        largestDifference(ours.data, readOnlyTensor(place(index, name)).data);
      expect(differenceTo('peft'), title).toBeLessThanOrEqual(TOLERANCE);
      expect((figures[index]!.merged = differenceTo('whole')), title).toBeLessThanOrEqual(TOLERANCE);
    }
  },
  REFERENCE_TIMEOUT_MS,
);

describe('runs of other kinds', () => {
  test.each([
    ['Quasi-LoRA', { peft: { peft_type: 'QLORA', r: 3 } }],
    ['LoRA on NF4', { quantization: { method: 'nf4' }, peft: { peft_type: 'LORA', r: 3 } }],
    ['DoRA on INT8', { quantization: { method: 'int8' }, peft: { use_dora: true, r: 3 } }],
  ])('%s lowers the loss of every family', async (name, settings) => {
    for (const { index, title } of ENCODERS) {
      const training = { ...TRAINING, num_train_epochs: 6, sample_prompts: [] };
      const dir = place(index, name);
      const steps = await trainInProcess(dir, configOf(index, { ...settings, training }));
      const left = lossLeft(steps, STEPS);
      expect(left, title).toBeLessThan(MOST_LEFT);
      if (name === 'LoRA on NF4') figures[index]!.nf4 = left;
      expect(existsSync(path.join(dir, 'adapter/adapter_config.json'))).toBe(true);
      const { data } = await logitsOf(place(index, 'model'), path.join(dir, 'adapter'), index);
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });
});

test(
  'exported Quasi-LoRA adapters give PEFT our logits',
  async () => {
    const host = await makeHost();
    const native = (index: number) => place(index, 'Quasi-LoRA/adapter');
    const tasks: ReferenceTask[] = [];
    for (const { index } of ENCODERS) {
      const [modelDir, outputDir] = [place(index, 'model'), place(index, 'exported')];
      await exportModel({ host, modelDir, adapterDir: native(index), format: 'peft', outputDir });
      const out = place(index, 'quasi.safetensors');
      tasks.push({ op: 'class_adapter_logits', model: modelDir, folder: outputDir, tokens: tokensOf(index), out });
    }
    await runReference(folder, tasks);
    for (const { index, title } of ENCODERS) {
      const ours = await logitsOf(place(index, 'model'), native(index), index);
      const theirs = readOnlyTensor(place(index, 'quasi.safetensors'));
      figures[index]!.quasi = largestDifference(ours.data, theirs.data);
      expect(figures[index]!.quasi, title).toBeLessThanOrEqual(TOLERANCE);
    }
  },
  REFERENCE_TIMEOUT_MS,
);

test.each(ENCODERS)('words of $title', async ({ index }) => {
  const ours = await logitsOf(place(index, 'masked'), null, index);
  const theirs = readOnlyTensor(place(index, 'words.safetensors'));
  expect(ours.shape).toEqual(theirs.shape);
  const difference = largestDifference(ours.data, theirs.data);
  expect(difference).toBeLessThanOrEqual(TOLERANCE);
  figures[index]!.logits = Math.max(figures[index]!.logits, difference);
});

describe('the loss on masked words', () => {
  const source = (index: number, file: string) => ({
    modelDir: place(index, 'masked'),
    adapterDir: null,
    data: {
      ...{ paths: [file], format: 'auto' as const, columns: {}, template: null },
      ...{ max_length: null, completion_only_loss: true },
    },
  });
  const measure = async (index: number, file: string, seed = 0) =>
    evaluate({
      ...{ host: await makeHost(), ...source(index, file), seed },
      ...{ metrics: [], batchSize: 3, maxNewTokens: 1 },
    });

  beforeAll(() => {
    for (const { index, pad } of ENCODERS) writeWordTokenizer(place(index, 'masked'), VOCAB, pad ?? 0);
  });

  test(
    'is transformers’, for masks drawn from a seed and for given ones',
    async () => {
      const host = await makeHost();
      const given = place(0, 'given.jsonl');
      const lines = Array.from({ length: 7 }, (_, row) => {
        const words = randomTokens(500 + row, 4 + 3 * row, WORDS).map((id) => id + 5);
        // The mask in the first place, another word in the second, the word itself in the third.
        const input_ids = words.map((id, at) => (at === 0 ? 4 : at === 1 ? words[2]! : id));
        return { input_ids, labels: words.map((id, at) => (at < 3 ? id : -100)) };
      });
      writeFileSync(given, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      const tasks: ReferenceTask[] = [];
      for (const { index } of ENCODERS) {
        const { examples } = await readExamples({ host, ...source(index, place(index, 'rows.jsonl')), seed: 3 });
        const [tokens, labels] = (['inputIds', 'labels'] as const).map((name) => examples.map((one) => [...one[name]]));
        tasks.push({ op: 'masked_loss', folder: place(index, 'masked'), tokens, labels });
        const [ids, wanted] = (['input_ids', 'labels'] as const).map((name) => lines.map((line) => line[name]));
        tasks.push({ op: 'masked_loss', folder: place(index, 'masked'), tokens: ids, labels: wanted });
      }
      const results = await runReference(folder, tasks);
      for (const [at, { index, title }] of ENCODERS.entries()) {
        const drawn = await measure(index, place(index, 'rows.jsonl'), 3);
        const fixed = await measure(index, given);
        for (const [ours, theirs] of [[drawn, results[2 * at]!] as const, [fixed, results[2 * at + 1]!] as const]) {
          expect(ours.tokens, title).toBe(theirs['count']);
          expect(Math.abs(ours.eval_loss - (theirs['loss'] as number)), title).toBeLessThanOrEqual(TOLERANCE);
          expect(ours.perplexity).toBeNull();
          expect(ours.metrics['pseudo_perplexity']).toBe(Math.exp(ours.eval_loss));
          expect(ours.metrics['masked_accuracy']).toBeCloseTo(theirs['accuracy'] as number, 6);
        }
        expect(await measure(index, place(index, 'rows.jsonl'), 3)).toEqual(drawn);
        expect((await measure(index, place(index, 'rows.jsonl'), 4)).eval_loss).not.toBe(drawn.eval_loss);
      }
    },
    REFERENCE_TIMEOUT_MS,
  );
});

test('every encoder family has at least two models here, with the targets that PEFT knows, and the README says how they fared', async () => {
  const ofType = (type: string) => ENCODERS.filter((one) => one.type === type).map(({ index }) => figures[index]!);
  for (const type of ENCODER_TYPES) expect(ofType(type).length, type).toBeGreaterThan(1);
  const [known] = await runReference(folder, [{ op: 'default_targets', model_types: ENCODER_TYPES }]);
  const targets = known!['targets'] as Record<string, readonly string[] | null>;
  for (const { index, type } of ENCODERS) {
    const { model, folder: files } = await openModel(place(index, 'model'));
    await files.close();
    expect(model.defaultTargets).toEqual(targets[type] ?? []);
  }
  await writeFamilyTable(
    ENCODER_TYPES.map((type) => ({ type, figures: ofType(type), targets: targets[type] ?? null })),
  );
});
