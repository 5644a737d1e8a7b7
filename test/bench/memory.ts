/**
 * @file Peak memory of training, estimated and measured, over model sizes, lengths, batches, storages and checkpointing:
 *
 *   node scripts/with-node.mjs test/bench/memory.ts FOLDER     makes random models in the folder, runs all configurations, writes MEMORY.md
 *
 * Run by hand (an hour on two cores). The constants of src-main/engine/recipes/estimate-memory.ts are fitted to this table. Copies of
 * quantized weights are switched off: they would take what is free.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensurePythonEnv } from '../../scripts/python-env.mjs';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { MODELS, RANK } from './workloads.ts';

interface Configuration {
  readonly model: string;
  readonly method: string;
  readonly length: number;
  readonly batch: number;
  readonly checkpointing: boolean;
}

interface Measured extends Configuration {
  readonly predictedBytes: number;
  readonly measuredBytes: number;
}

const GRIDS = { '15M': ['none', 'bf16'], '60M': ['bf16', 'nf4'] } as const;
const SHAPES = [
  [128, 4],
  [512, 2],
  [1024, 2],
  [256, 8],
] as const;
const LARGE: readonly Configuration[] = [
  { model: '135M', method: 'bf16', length: 256, batch: 4, checkpointing: false },
  { model: '135M', method: 'nf4', length: 256, batch: 4, checkpointing: true },
  { model: '135M', method: 'none', length: 128, batch: 2, checkpointing: false },
  { model: '135M', method: 'int8', length: 512, batch: 1, checkpointing: false },
  { model: '135M', method: 'nf4', length: 1024, batch: 1, checkpointing: true },
];
const ROWS = 24;
const STEPS = 3;

function listConfigurations(): Configuration[] {
  const small = Object.entries(GRIDS).flatMap(([model, methods]) =>
    SHAPES.flatMap(([length, batch]) =>
      [false, true].flatMap((checkpointing) =>
        methods.map((method) => ({ model, method, length, batch, checkpointing })),
      ),
    ),
  );
  return [...small, ...LARGE];
}

async function prepare(folder: string, { model, length }: Configuration): Promise<{ dir: string; rows: string }> {
  const dir = path.join(folder, model);
  const rows = path.join(folder, `${model}-${length}.jsonl`);
  if (existsSync(rows)) return { dir, rows };
  const spec = path.join(folder, 'spec.json');
  const peft = { r: RANK, lora_alpha: 16, lora_dropout: 0, target_modules: 'all-linear' };
  const sizes = { row_count: ROWS, row_length: length };
  writeFileSync(
    spec,
    JSON.stringify({ model: dir, adapter: `${dir}-adapter`, rows, ...sizes, config: MODELS[model], peft }),
  );
  execFileSync(await ensurePythonEnv(), ['-B', path.join(REPO_ROOT, 'test/bench/python/prepare.py'), spec]);
  return { dir, rows };
}

/** The last event of one kind that a command prints. */
function lastEvent(args: readonly string[], kind: string): Readonly<Record<string, unknown>> {
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const env = { ...process.env, TUNESMITH_WEIGHT_CACHE_MB: '0' };
  const { stdout } = spawnSync(process.execPath, [script, ...args, '--json'], { env, encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const found = events.findLast(({ event }) => event === kind);
  if (!found) throw new Error(`${args.join(' ')}\n${lines.at(-1)}`);
  return found;
}

async function measure(folder: string, configuration: Configuration): Promise<Measured> {
  const { method, length, batch, checkpointing } = configuration;
  const { dir, rows } = await prepare(folder, configuration);
  const output = path.join(folder, 'run');
  rmSync(output, { recursive: true, force: true });
  const settings = Object.entries({
    'data.format': 'tokens',
    'data.packing': false,
    'data.max_length': length,
    'data.eval_fraction': 0,
    'data.completion_only_loss': false,
    'quantization.method': method,
    'peft.r': RANK,
    'training.per_device_train_batch_size': batch,
    'training.gradient_accumulation_steps': 1,
    'training.max_steps': STEPS,
    'training.logging_steps': 1,
    'training.save_steps': 0,
    'training.gradient_checkpointing': checkpointing,
  }).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const common = ['--model', dir, '--data', rows, ...settings];
  const predictedBytes = Number(lastEvent(['estimate', ...common], 'result').peak_bytes);
  const measuredBytes = Number(lastEvent(['train', ...common, '--output', output], 'step').memory_bytes);
  return { ...configuration, predictedBytes, measuredBytes };
}

function report(rows: readonly Measured[]): string {
  const megabytes = (bytes: number): string => String(Math.round(bytes / 1e6));
  const ratios = rows.map(({ predictedBytes, measuredBytes }) => predictedBytes / measuredBytes - 1);
  const within = ratios.filter((ratio) => Math.abs(ratio) <= 0.15).length;
  const percent = (ratio: number): string => `${ratio >= 0 ? '+' : ''}${(100 * ratio).toFixed(1)} %`;
  return [
    '# Peak memory of training: estimated and measured',
    '',
    `${rows.length} configurations; ${within} within 15 %; from ${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))}.`,
    '',
    '| Model | Weights | Length | Batch | Checkpointing | Estimated MB | Measured MB | Difference |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ model, method, length, batch, checkpointing, predictedBytes, measuredBytes }, index) => {
      const cells = [model, method, length, batch, checkpointing ? 'yes' : 'no', megabytes(predictedBytes)];
      return `| ${[...cells, megabytes(measuredBytes), percent(ratios[index]!)].join(' | ')} |`;
    }),
    '',
  ].join('\n');
}

const folder = path.resolve(process.argv[2] ?? '');
if (process.argv[2] === undefined) throw new Error('usage: node scripts/with-node.mjs test/bench/memory.ts FOLDER');
mkdirSync(folder, { recursive: true });
const measured: Measured[] = [];
for (const configuration of listConfigurations()) {
  measured.push(await measure(folder, configuration));
  writeFileSync(path.join(REPO_ROOT, 'test/bench/MEMORY.md'), report(measured));
}
