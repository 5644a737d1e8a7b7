/**
 * @file The methods beside each other on the sample task, at an equal number of trained parameters, and on weights stored smaller:
 *
 *   node scripts/with-node.mjs test/bench/methods.ts FOLDER     runs all in the folder (a quarter of an hour on two cores), writes METHODS.md
 *
 * Each method has the best of a few learning rates, chosen with the first seed. DoRA's and Quasi-LoRA's vectors are made up for by a
 * rank of one less in as many layers as that takes, at the same alpha / r. What a run has brought stays in the folder, so that the
 * script can be stopped and started again.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { keepSection } from './keep-section.ts';

type Settings = Readonly<Record<string, unknown>>;

interface Method {
  readonly name: string;
  readonly peft: Settings;
  readonly training: Settings;
  /** It trains one value more for each output of an adapted linear. */
  readonly hasVector: boolean;
  readonly rates: readonly number[];
}

interface Measured {
  readonly evalLoss: number;
  readonly parameters: number;
}

const MODEL = path.join(REPO_ROOT, 'resources/sample-model');
const DATA = path.join(REPO_ROOT, 'resources/sample-data');
const RANK = 8;
const ALPHA = 16;
const STEPS = 60;
const BATCH = 8;
const SEEDS = [1, 2, 3];
const RATES = [4e-3];
const STORAGES = ['none', 'int8', 'nf4'];

const METHODS: readonly Method[] = [
  { name: 'LoRA', peft: {}, training: {}, hasVector: false, rates: RATES },
  { name: 'rsLoRA', peft: { use_rslora: true }, training: {}, hasVector: false, rates: RATES },
  { name: 'DoRA', peft: { use_dora: true }, training: {}, hasVector: true, rates: RATES },
  // Its rate is that of A; B has four times as much.
  { name: 'LoRA+', peft: {}, training: { loraplus_lr_ratio: 4 }, hasVector: false, rates: RATES },
  { name: 'Quasi-LoRA', peft: { peft_type: 'QLORA' }, training: {}, hasVector: true, rates: RATES },
];

interface ModelConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
}

/** Ranks by module, with which a method of one vector a linear trains no more values than LoRA; scale as everywhere. */
function patternsFor(): Settings {
  const config = JSON.parse(readFileSync(path.join(MODEL, 'config.json'), 'utf8')) as ModelConfig;
  const { hidden_size: hidden, intermediate_size: mlp } = config;
  const keys = (hidden / config.num_attention_heads) * config.num_key_value_heads;
  const linears = [
    ['self_attn.q_proj', hidden, hidden],
    ['self_attn.k_proj', hidden, keys],
    ['self_attn.v_proj', hidden, keys],
    ['self_attn.o_proj', hidden, hidden],
    ['mlp.gate_proj', hidden, mlp],
    ['mlp.up_proj', hidden, mlp],
    ['mlp.down_proj', mlp, hidden],
  ] as const;
  const all = Array.from({ length: config.num_hidden_layers }, (_, layer) =>
    linears.map(([name, input, output]) => ({ name: `model.layers.${layer}.${name}`, input, output })),
  ).flat();
  let surplus = all.reduce((sum, { output }) => sum + output, 0);
  const lowered = all.filter(({ input, output }) => {
    const isNeeded = surplus > 0;
    if (isNeeded) surplus -= input + output;
    return isNeeded;
  });
  const pattern = (value: number) => Object.fromEntries(lowered.map(({ name }) => [name, value]));
  return { rank_pattern: pattern(RANK - 1), alpha_pattern: pattern((ALPHA * (RANK - 1)) / RANK) };
}

/** Runs a command of the program; its lines of JSON. */
function run(folder: string, args: readonly string[]): Settings[] {
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const env = { ...process.env, TUNESMITH_HOME: path.join(folder, 'home') };
  const { stdout, status } = spawnSync(process.execPath, [script, ...args, '--json'], { env, encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  if (status !== 0) throw new Error(`${args.join(' ')}\n${lines.at(-1)}`);
  return lines.map((line) => JSON.parse(line) as Settings);
}

/** What a run brought; known runs are not run again. */
function train(
  folder: string,
  { name, peft, training, hasVector }: Method,
  rate: number,
  seed: number,
  storage: string,
) {
  const file = path.join(folder, `${name}-${rate}-${seed}-${storage}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Measured;
  const output = path.join(folder, 'run');
  rmSync(output, { recursive: true, force: true });
  const config = path.join(folder, 'config.json');
  const common = { r: RANK, lora_alpha: ALPHA, target_modules: 'all-linear' };
  writeFileSync(
    config,
    JSON.stringify({
      model: { path: MODEL },
      data: { train: path.join(DATA, 'train.jsonl'), eval: path.join(DATA, 'test.jsonl'), packing: false },
      quantization: { method: storage },
      peft: { ...common, ...(hasVector ? patternsFor() : {}), ...peft },
      training: {
        ...training,
        per_device_train_batch_size: BATCH,
        learning_rate: rate,
        seed,
        max_steps: STEPS,
        eval_steps: STEPS,
        save_steps: 0,
      },
    }),
  );
  const lines = run(folder, ['train', '--config', config, '--output', output]);
  const parameters = Number(lines.find(({ event }) => event === 'start')?.trainable_parameters);
  const measured: Measured = { evalLoss: Number(lines.at(-1)?.eval_loss), parameters };
  writeFileSync(file, JSON.stringify(measured));
  process.stdout.write(`${name}  rate ${rate}  seed ${seed}  ${storage}  ${measured.evalLoss.toFixed(4)}\n`);
  return measured;
}

/** The held-out loss of the model itself. */
function evaluate(folder: string, storage: string): number {
  const args = ['evaluate', '--model', MODEL, '--data', path.join(DATA, 'test.jsonl'), '--quantization', storage];
  return Number(run(folder, args).at(-1)?.eval_loss);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1));
}

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);

const folder = path.resolve(process.argv[2] ?? '');
if (process.argv[2] === undefined) throw new Error('usage: node scripts/with-node.mjs test/bench/methods.ts FOLDER');
mkdirSync(folder, { recursive: true });

const chosen = METHODS.map((method) => {
  const tried = method.rates.map((rate) => ({ rate, ...train(folder, method, rate, SEEDS[0]!, 'none') }));
  return { method, rate: tried.reduce((best, next) => (next.evalLoss < best.evalLoss ? next : best)).rate };
});
const methodRows = chosen.map(({ method, rate }) => {
  const runs = SEEDS.map((seed) => train(folder, method, rate, seed, 'none'));
  const losses = runs.map(({ evalLoss }) => evalLoss);
  const figures = [mean(losses), deviation(losses), ...losses].map((value) => value.toFixed(4));
  return [method.name, runs[0]!.parameters.toLocaleString('en'), String(rate), ...figures];
});
const lora = chosen[0]!;
const storageRows = STORAGES.map((storage) => {
  const losses = SEEDS.map((seed) => train(folder, lora.method, lora.rate, seed, storage).evalLoss);
  return [storage, ...[evaluate(folder, storage), mean(losses), ...losses].map((value) => value.toFixed(4))];
});
const seeds = SEEDS.map((seed) => `Seed ${seed}`);
const results = path.join(REPO_ROOT, 'test/bench/METHODS.md');
keepSection(results, '## Equal numbers of parameters', [
  `Held-out loss of the sample model on the sample task after ${STEPS} steps of ${BATCH} rows in f32, rank ${RANK} on all linears.`,
  `Learning rate: ${RATES.join(' or ')}, whichever the first seed liked better; another rate would order them otherwise. Made by`,
  '`test/bench/methods.ts`.',
  '',
  ...table(['Method', 'Parameters', 'Rate', 'Mean', 'Deviation', ...seeds], methodRows),
]);
keepSection(results, '## LoRA over weights stored smaller', [
  'Held-out loss on the same task with the same steps, by `test/bench/methods.ts`. The seeds differ more than the storages do.',
  '',
  ...table(['Weights', 'Untrained', 'Trained, mean', ...seeds], storageRows),
]);
