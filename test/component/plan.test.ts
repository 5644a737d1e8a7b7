/**
 * @file What the wizard recommends and works out: counts by formula, and the same choices as the engine's own where nothing is said.
 */
import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { estimateMemory as estimateByEngine } from '../../src-shared/domain/estimate-memory.ts';
import { resolveTraining } from '../../src-main/engine/recipes/resolve-config.ts';
import { chooseChunks } from '../../src-shared/domain/loss-chunks.ts';
import { findChecks } from '../../src-renderer/state/wizard/checks.ts';
import { type Draft, EMPTY_DRAFT, PRESETS } from '../../src-renderer/state/wizard/draft.ts';
import { estimateDisk, estimateMemory, estimateTime } from '../../src-renderer/state/wizard/estimate.ts';
import { buildConfig, makePlan } from '../../src-renderer/state/wizard/plan.ts';
import { recommendMaxLength } from '../../src-renderer/state/wizard/recommend.ts';
import { countTrainable } from '../../src-renderer/state/wizard/trainable.ts';
import { makeEngine, makeModel, makeReport, MODEL_PATH } from './support/fixtures.ts';

function makeDraft(changes: Partial<Draft['config']> = {}, preset: Draft['preset'] = 'balanced'): Draft {
  const config = {
    ...EMPTY_DRAFT.config,
    model: { path: MODEL_PATH },
    data: { train: ['/data/rows.csv'] },
    ...changes,
  };
  return { ...EMPTY_DRAFT, config, preset };
}

const facts = { model: makeModel(), report: makeReport() };

/** No TensorFlow: wasm computes. */
const SMALL_ENGINE = { ...makeEngine(20e9), runtime: { ...makeEngine().runtime, kind: 'wasm' } } as const;

describe('trainable parameters', () => {
  it('follow the formula r (in + out), over all layers', () => {
    const perLayer = (576 + 576) * 2 + (576 + 192) * 2 + (576 + 1536) * 3;
    expect(countTrainable(makeModel(), { r: 8 })).toBe(8 * perLayer * 30);
    expect(countTrainable(makeModel(), { r: 8, target_modules: ['q_proj'] })).toBe(8 * (576 + 576) * 30);
    expect(countTrainable(makeModel(), { r: 8, target_modules: ['q_proj'], use_dora: true })).toBe(
      (8 * (576 + 576) + 576) * 30,
    );
    expect(countTrainable(makeModel(), { r: 4, target_modules: ['q_proj'], layers_to_transform: [0, 29] })).toBe(
      4 * (576 + 576) * 2,
    );
    expect(countTrainable(makeModel(), { r: 8, target_modules: ['q_proj'], peft_type: 'QLORA' })).toBe(
      (8 * (576 + 576) + 576) * 30,
    );
    expect(countTrainable(makeModel(), { peft_type: 'NONE' })).toBe(134_515_008);
    expect(countTrainable(makeModel(), { r: 8, target_modules: 'nothing like it' })).toBe(0);
    expect(countTrainable(makeModel(), { r: 8, target_modules: '[' })).toBe(0);
  });
});

describe('the plan', () => {
  it('chooses as the engine does, where the person says nothing', () => {
    const { settings, sizes, totalSteps, stepsPerEpoch } = makePlan(makeDraft(), facts);
    const rowTokens = settings.data.max_length;
    const gridRows = Math.ceil((sizes?.epochTokens ?? 0) / rowTokens);
    const config = parseRunConfig({ model: { path: MODEL_PATH }, data: { train: 'x' } });
    const modelFacts = { hiddenSize: 576 } as Parameters<typeof resolveTraining>[1];
    const peft = { peft_type: 'LORA' } as Parameters<typeof resolveTraining>[2];
    const engine = resolveTraining(config, modelFacts, peft, { gridRows, rowTokens, evalRows: 40 });
    const { logging_steps: _l, metric_for_best_model: _m, lr_scheduler_kwargs: _k, ...shown } = engine;
    // The screens show a before and after, so the wizard asks for the before.
    expect(settings.training).toEqual({ ...shown, eval_on_start: true });
    expect(stepsPerEpoch).toBe(Math.ceil(gridRows / engine.per_device_train_batch_size));
    expect(totalSteps).toBe((stepsPerEpoch ?? 0) * engine.num_train_epochs);
  });

  it('does what the person says', () => {
    const training = { num_train_epochs: 2, learning_rate: 5e-4, per_device_train_batch_size: 3 };
    const { settings, totalSteps } = makePlan(makeDraft({ training }), facts);
    expect(settings.training).toMatchObject(training);
    const asked = makePlan(makeDraft({ training: { max_steps: 17 } }), facts);
    expect(asked.totalSteps).toBe(17);
    expect(asked.rounds).toBeCloseTo(17 / asked.stepsPerEpoch!, 1);
    expect(asked.rounds).not.toBe(asked.settings.training.num_train_epochs);
    expect(totalSteps).not.toBe(17);
  });

  it('is longer from quick to thorough', () => {
    const steps = PRESETS.map((preset) => makePlan(makeDraft({}, preset), facts).totalSteps ?? 0);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(new Set(steps).size).toBe(3);
  });

  it('keeps rows aside, unless there is a file for it', () => {
    expect(makePlan(makeDraft(), facts).sizes).toMatchObject({ trainRows: 360, evalRows: 40 });
    const [file] = makeReport().files;
    const report = makeReport({
      rows: 460,
      files: [file!, { ...file!, path: '/data/eval.csv', role: 'eval', rows: 60 }],
    });
    expect(makePlan(makeDraft(), { ...facts, report }).sizes).toMatchObject({ trainRows: 400, evalRows: 60 });
  });

  it('counts source and answer of an encoder-decoder, and packs by the longer of them', () => {
    const usual = makeReport().tokens!;
    const report = makeReport({ tokens: { ...usual, length_of: 'longer_part', total: 60_000 } });
    const t5 = { model: makeModel({ task_types: ['SEQ_2_SEQ_LM'] }), report };
    const [plan, asRows] = [makePlan(makeDraft(), t5), makePlan(makeDraft(), facts)];
    expect(plan.sizes).toMatchObject({ epochTokens: 54_000, epochLength: 36_000, longest: 240 });
    expect(plan.stepsPerEpoch).toBe(asRows.stepsPerEpoch);
    expect(plan.totalTokens).toBe(1.5 * asRows.totalTokens!);
    const cut = makePlan(makeDraft({ data: { train: ['/data/rows.csv'], max_length: 50 } }), t5);
    expect(cut.sizes).toMatchObject({ epochTokens: 27_000, epochLength: 18_000 });
  });

  it('knows less without a model or data, and says so', () => {
    const plan = makePlan(makeDraft(), { model: null, report: null });
    expect(plan).toMatchObject({ sizes: null, totalSteps: null, totalTokens: null, trainable: null });
  });

  it('becomes a configuration that core accepts, with everything that was shown', () => {
    const draft = makeDraft({ name: 'Mine', peft: { r: 16 } });
    const plan = makePlan(draft, facts);
    const config = parseRunConfig(JSON.parse(JSON.stringify(buildConfig(draft, plan))));
    expect(config).toMatchObject({ name: 'Mine', model: { path: MODEL_PATH }, quantization: { method: 'bf16' } });
    expect(config.training).toEqual(plan.settings.training);
    expect(config.peft).toEqual(plan.settings.peft);
  });
});

describe('the longest example', () => {
  it('holds nearly all rows whole, within what the model reads', () => {
    expect(recommendMaxLength(makeReport(), makeModel())).toBe(512);
    const histogram = [
      { from: 0, to: 512, rows: 100 },
      { from: 512, to: 1024, rows: 99 },
      { from: 1024, to: null, rows: 1 },
    ];
    const report = makeReport({ tokens: { ...makeReport().tokens!, longest: 5000, histogram } });
    expect(recommendMaxLength(report, makeModel())).toBe(1024);
    expect(recommendMaxLength(report, makeModel({ context_tokens: 600 }))).toBe(600);
  });
});

describe('estimates', () => {
  it('judge memory against the machine', () => {
    const plan = makePlan(makeDraft({ training: { gradient_checkpointing: false } }), facts);
    const roomy = estimateMemory(plan, facts.model, makeEngine(20e9));
    expect(roomy.verdict).toBe('fits');
    expect(roomy.model).toBe(134_515_008 * 2);
    expect(estimateMemory(plan, facts.model, makeEngine(1e9)).verdict).toBe('too-much');
    expect(estimateMemory(plan, facts.model, makeEngine(roomy.total * 1.05)).verdict).toBe('tight');
    const small = estimateMemory(plan, facts.model, SMALL_ENGINE);
    expect(small.activations).toBeGreaterThan(1.7 * roomy.activations);
    expect(small).toMatchObject({ limit: 'wasm', available: expect.closeTo(4.7e9, -7) });
    expect(
      estimateMemory(plan, facts.model, { ...SMALL_ENGINE, memory: makeEngine(1e9).memory }).limit,
    ).toBeUndefined();
  });

  it('follow the engine’s own formula', () => {
    const training = { per_device_train_batch_size: 4, gradient_checkpointing: false };
    const draft = makeDraft({ training, data: { train: ['x'], completion_only_loss: false, max_length: 256 } });
    const plan = makePlan(draft, facts);
    const sizes = {
      hiddenSize: 576,
      mlpWidth: 3 * 1536,
      heads: 9,
      kvHeads: 3,
      headDim: 64,
      layers: 30,
      vocabSize: 49_152,
    };
    const labels = 4 * 256;
    const longest = Math.min(256, plan.sizes?.longest ?? 0);
    const batch = { batch: 4, isVaried: true };
    const expected = estimateByEngine({
      facts: sizes,
      weightBytes: 134_515_008 * 2,
      keptBytes: 0,
      expandedValues: 0,
      trainedValues: plan.trainable ?? 0,
      trainedWeights: 0,
      optim: 'adamw',
      compute: 'bfloat16',
      checkpointing: false,
      training: { ...batch, rowTokens: 256, labels, chunks: chooseChunks(labels, 49_152, 'bfloat16') },
      evaluation: {
        ...{ ...batch, rowTokens: longest, labels: 4 * longest, chunks: chooseChunks(4 * longest, 49_152, 'bfloat16') },
        answers: { rows: 3, promptTokens: longest, newTokens: 64 },
      },
      adapterWidth: 0,
    });
    const found = estimateMemory(plan, facts.model, makeEngine());
    expect(found.total / expected.peak_bytes).toBeCloseTo(1, 6);
    const turn = Math.max(expected.activation_bytes, expected.evaluation_bytes);
    expect(found.activations / (turn + expected.answer_cache_bytes)).toBeCloseTo(1, 6);
  });

  it('need more where rows are held out, and most where many are read at once', () => {
    const of = (config: Partial<Draft['config']>) =>
      estimateMemory(makePlan(makeDraft(config), facts), facts.model, makeEngine()).total;
    const none = of({ data: { train: ['x'], eval_fraction: 0 } });
    const some = of({ data: { train: ['x'] } });
    expect(some).toBeGreaterThan(none);
    const rows = (evaluated: number) =>
      of({ training: { per_device_train_batch_size: 1, per_device_eval_batch_size: evaluated } });
    expect(rows(40)).toBeGreaterThan(rows(1));
  });

  it('need less with checkpointing, more with larger batches', () => {
    const of = (training: Draft['config']['training']) =>
      estimateMemory(makePlan(makeDraft({ training }), facts), facts.model, makeEngine()).activations;
    expect(of({ gradient_checkpointing: true })).toBeLessThan(of({}));
    expect(of({ per_device_train_batch_size: 8 })).toBeGreaterThan(4 * of({ per_device_train_batch_size: 1 }));
  });

  it('take the pace of an earlier run where there was one', () => {
    const plan = makePlan(makeDraft(), facts);
    const measured = estimateTime(plan, facts.model, makeEngine(), 1_000) ?? 0;
    expect(measured).toBeCloseTo(8_000 + (plan.totalTokens ?? 0), -1);
    expect(estimateTime(plan, facts.model, makeEngine(), null)).toBeGreaterThan(0);
    expect(estimateDisk(plan)).toBeGreaterThan((plan.trainable ?? 0) * 4 * 3);
  });
});

describe('checks', () => {
  const base = {
    draft: makeDraft(),
    report: makeReport(),
    isReading: false,
    readFailed: false,
    planFailed: false,
    model: makeModel(),
    memory: null,
    diskBytes: null,
    engine: makeEngine(),
  };
  const ids = (changes: Partial<Parameters<typeof findChecks>[0]>): string[] => {
    const all = { ...base, ...changes };
    const plan = makePlan(all.draft, { model: all.model, report: all.report });
    return findChecks({ plan, ...all }).map(({ id, level }) => `${level} ${id}`);
  };

  it('find nothing where all is well', () => expect(ids({})).toEqual([]));

  it.each([
    ['block no-files', { draft: makeDraft({ data: { train: [] } }) }],
    ['block no-model', { draft: makeDraft({ model: null }), model: null }],
    ['block bad-rows', { report: makeReport({ bad_rows: 2, fault_count: 2 }) }],
    ['block nothing-trained', { report: makeReport({ tokens: { ...makeReport().tokens!, supervised: 0 } }) }],
    ['warn no-stop-token', { report: makeReport({ tokens: { ...makeReport().tokens!, rows_with_stop_token: 0 } }) }],
    ['warn overlap', { report: makeReport({ overlap: { count: 3, examples: [] } }) }],
    ['warn few-rows', { report: makeReport({ rows: 9 }) }],
    ['warn no-eval', { draft: makeDraft({ data: { train: ['x'], eval_fraction: 0 } }) }],
    ['block beyond-small-engine', { engine: SMALL_ENGINE, model: makeModel({ parameters: 3e8 }) }],
    ['block no-targets', { draft: makeDraft({ peft: { target_modules: ['no_such'] } }) }],
    ['block too-long-for-model', { draft: makeDraft({ data: { train: ['x'], max_length: 4096 } }) }],
    ['block model-faults', { model: makeModel({ supported: false }) }],
    ['block disk-too-small', { diskBytes: 1e12 }],
    ['block plan-failed', { planFailed: true }],
  ] as const)('find: %s', (found, changes) => {
    expect(ids(changes as Partial<Parameters<typeof findChecks>[0]>)).toContain(found);
  });
});

describe('a run that sorts into classes', () => {
  const classified = makeReport({
    files: [{ ...makeReport().files[0]!, format: 'classification' }],
    labels: [
      { name: 'yes', rows: 300 },
      { name: 'no', rows: 100 },
    ],
  });

  it('is found by the data or by the model, and can be chosen otherwise', () => {
    const found = makePlan(makeDraft(), { ...facts, report: classified });
    expect(found.settings).toMatchObject({ task_type: 'SEQ_CLS', data: { packing: false } });
    const t5 = makeModel({ task_types: ['SEQ_2_SEQ_LM'], context_tokens: null });
    const answers = makePlan(makeDraft(), { ...facts, model: t5 });
    expect(answers.settings).toMatchObject({ task_type: 'SEQ_2_SEQ_LM', data: { packing: true } });
    const encoder = makeModel({ task_types: ['SEQ_CLS'] });
    expect(makePlan(makeDraft(), { ...facts, model: encoder }).settings.task_type).toBe('SEQ_CLS');
    const draft = makeDraft();
    const written = { ...draft, config: { ...draft.config, task_type: 'CAUSAL_LM' as const } };
    const plan = makePlan(written, { ...facts, report: classified });
    expect(plan.settings).toMatchObject({ task_type: 'CAUSAL_LM', data: { packing: true } });
    expect(buildConfig(written, plan)).toMatchObject({ task_type: 'CAUSAL_LM' });
  });

  it('reads each example by itself, also where the draft packed them for another model', () => {
    const packed = makeDraft({ data: { train: ['/data/rows.csv'], packing: true } });
    const encoder = { ...facts, model: makeModel({ task_types: ['SEQ_CLS'] }), report: classified };
    const plan = makePlan(packed, encoder);
    expect(plan.settings.data.packing).toBe(false);
    expect(plan).toEqual(makePlan(makeDraft(), encoder));
    expect(buildConfig(packed, plan).data.packing).toBe(false);
    // It is the person's choice again where there is one.
    const writes = { ...facts, model: makeModel({ task_types: ['SEQ_2_SEQ_LM'] }) };
    for (const packing of [true, false]) {
      const draft = makeDraft({ data: { train: ['/data/rows.csv'], packing } });
      expect(buildConfig(draft, makePlan(draft, writes)).data.packing).toBe(packing);
    }
  });

  it('leaves out what only a classifier has where the draft is for a model that writes, and says so', () => {
    const base = makeDraft({
      training: { metric_for_best_model: 'eval_accuracy', early_stopping_patience: 3 },
      peft: { modules_to_save: ['score', 'embed_tokens'] },
    });
    const writer = makePlan(base, facts);
    const { training, peft } = buildConfig(base, writer);
    expect(training).toMatchObject({ early_stopping_patience: 3 });
    expect(training).not.toHaveProperty('metric_for_best_model');
    expect(peft.modules_to_save).toEqual(['embed_tokens']);
    const checksOf = (plan: typeof writer) =>
      findChecks({
        ...{ draft: base, plan, report: classified, model: facts.model, isReading: false, readFailed: false },
        ...{ planFailed: false, memory: null, diskBytes: null, engine: null },
      }).map(({ id, level, step }) => `${level} ${id} ${step}`);
    expect(checksOf(writer)).toContain('warn metric-not-measured check');
    const sorter = makePlan(base, { ...facts, report: classified });
    expect(buildConfig(base, sorter).training.metric_for_best_model).toBe('eval_accuracy');
    expect(checksOf(sorter)).toEqual([]);
  });

  it('keeps a figure that is measured for what it learns', () => {
    const kept = (metric: string, changes: object, report = facts.report) => {
      const draft = makeDraft({ training: { metric_for_best_model: metric } });
      const changed = { ...draft, config: { ...draft.config, ...changes } };
      const config = buildConfig(changed, makePlan(changed, { ...facts, report }));
      return config.training.metric_for_best_model === metric;
    };
    expect(kept('loss', {})).toBe(true);
    expect(kept('mean_token_accuracy', {})).toBe(true);
    expect(kept('mse', {}, classified)).toBe(true);
    expect(kept('mse', { problem_type: 'regression' }, classified)).toBe(true);
    expect(kept('mse', { problem_type: 'single_label_classification' }, classified)).toBe(false);
    expect(kept('mean_token_accuracy', {}, classified)).toBe(false);
  });

  it('sends the names that were given, and none with a number', () => {
    const draft = makeDraft();
    const task = { problem_type: 'single_label_classification', labels: ['yes', 'no'] } as const;
    const named = { ...draft, config: { ...draft.config, ...task, labels: [...task.labels] } };
    const config = (one: typeof named) => buildConfig(one, makePlan(one, { ...facts, report: classified }));
    expect(config(named)).toMatchObject({ task_type: 'SEQ_CLS', ...task });
    const numbers = { ...named, config: { ...named.config, problem_type: 'regression' as const } };
    expect(config(numbers as unknown as typeof named)).not.toHaveProperty('labels');
  });
});
