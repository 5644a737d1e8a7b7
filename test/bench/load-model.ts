/**
 * @file How fast a model is loaded and how much memory that takes at its peak: 1 GB of bf16 in three shards, against a plain read of the
 * same files (`npm run bench` does the rest; results in LOADING.md).
 *
 *     node scripts/with-node.mjs test/bench/load-model.ts [--folder DIR]
 *
 * Each round is a process of its own, since memory comes back only with a process's end. The files are in the page cache in both cases, so
 * what is compared is the work of the loader, not the disk. The peak is what the process grew by over the engine without a model.
 */
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../../src-main/engine/recipes/open-engine.ts';
import { openModel } from '../../src-main/engine/recipes/open-model.ts';
import { loadWeights } from '../../src-main/engine/weights/load-weights.ts';
import { planWeights } from '../../src-main/engine/weights/plan.ts';
import { type TensorToWrite, writeSafetensors } from '../../src-main/engine/formats/safetensors.ts';
import { locateRuntime } from '../../src-main/services/runtime-locator.ts';
import { byteLevelTokenizer } from '../unit/engine/tokenizer/fixtures.ts';
import { median } from './statistics.ts';

const SHAPE = { hidden: 1536, intermediate: 4096, layers: 16, heads: 12, vocab: 32_000 } as const;
const SHARDS = 3;
const ROUNDS = 5;
/** Issue 8: at most this times the model's size, at least this share of a plain read's speed. */
const LIMITS = { peak: 1.3, speed: 0.7 };

interface Times {
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

interface Loading {
  readonly bytes: number;
  readonly load: Times;
  readonly peakBytes: number;
  readonly engineBytes: number;
}

type Round = Loading & { readonly read: Times };

const own = fileURLToPath(import.meta.url);
const [, , role = '', folder = ''] = process.argv;
if (role === '--read') process.send?.(await measureRead(folder));
else if (role === '--load') process.send?.(await measureLoad(folder));
else await main();

async function main(): Promise<void> {
  const at = process.argv.indexOf('--folder');
  const dir = at > 0 ? path.resolve(process.argv[at + 1] ?? '') : path.join(tmpdir(), 'tunesmith-load-model');
  if (!existsSync(path.join(dir, 'config.json'))) await writeModel(dir);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const read = (await runApart('--read', dir)) as Times;
    rounds.push({ read, ...((await runApart('--load', dir)) as Loading) });
  }
  const bytes = rounds[0]?.bytes ?? 0;
  const speeds = rounds.map(({ read, load }) => read.wallMs / load.wallMs);
  const peaks = rounds.map((round) => round.peakBytes / bytes);
  const gbps = (ms: number) => (bytes / 1e6 / ms).toFixed(2);
  const rows = rounds.map(({ read, load, peakBytes, engineBytes }, at) => {
    const wall = [gbps(read.wallMs), gbps(load.wallMs), speeds[at]?.toFixed(2)];
    const cpu = [Math.round(read.cpuMs), Math.round(load.cpuMs)];
    return `| ${[...wall, ...cpu, (peakBytes / bytes).toFixed(2), Math.round(engineBytes / 1e6)].join(' | ')} |`;
  });
  const head = ['read GB/s', 'load GB/s', 'share', 'read CPU ms', 'load CPU ms', 'peak / size', 'engine alone MB'];
  const table = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows];
  process.stdout.write(`${(bytes / 1e9).toFixed(3)} GB\n${table.join('\n')}\n`);
  const [speed, peak] = [median(speeds), Math.max(...peaks)];
  const isGood = speed >= LIMITS.speed && peak <= LIMITS.peak;
  process.stdout.write(
    `median share ${speed.toFixed(2)}, highest peak ${peak.toFixed(2)}: ${isGood ? 'good' : 'NOT GOOD'}\n`,
  );
  process.exitCode = isGood ? 0 : 1;
}

function runApart(role: '--read' | '--load', dir: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(own, [role, dir], { execArgv: [], env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } });
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the round ended with code ${code}`)));
  });
}

/** @param dir folder of the model; a round reads its files plainly, or loads them */
async function measureRead(dir: string): Promise<Times> {
  // The first one may find the files on the disk alone.
  await readPlainly(dir);
  return timed(() => readPlainly(dir));
}

async function measureLoad(dir: string): Promise<Loading> {
  const runtime = await locateRuntime();
  const host = {
    bindingPath: runtime?.bindingPath ?? null,
    signal: new AbortController().signal,
    now: () => performance.now(),
    report: () => {},
  };
  const engine = await openEngine(host);
  const { model, folder } = await openModel(dir);
  const plan = planWeights(model, { storage: 'bfloat16', compute: 'bfloat16', doubleQuant: true, trained: new Set() });
  const engineBytes = readStatus('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  let values = new Map<string, number>();
  const load = await timed(async () => {
    values = await loadWeights({ device: engine.device, folder, plan, replaced: new Map() });
  });
  const peakBytes = readStatus('VmHWM') - engineBytes;
  for (const id of values.values()) engine.device.deleteTensor(id);
  await folder.close();
  return { bytes: folder.totalBytes, load, peakBytes, engineBytes };
}

async function timed(work: () => Promise<void>): Promise<Times> {
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - startedMs, cpuMs: (user + system) / 1000 };
}

/** All files into memory, one after the other: what nobody can do without who wants to have them there. */
async function readPlainly(dir: string): Promise<void> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.safetensors'));
  const held: Buffer[] = [];
  for (const name of names) held.push(await readFile(path.join(dir, name)));
}

function readStatus(name: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes = '0'] =
    new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

async function writeModel(dir: string): Promise<void> {
  const { hidden, intermediate, layers, heads, vocab } = SHAPE;
  mkdirSync(dir, { recursive: true });
  const matrices = Array.from({ length: layers }, (_, layer) => {
    const at = `model.layers.${layer}`;
    const attention = ['q', 'k', 'v', 'o'].map(
      (name) => [`${at}.self_attn.${name}_proj.weight`, hidden, hidden] as const,
    );
    return [
      [`${at}.input_layernorm.weight`, hidden] as const,
      [`${at}.post_attention_layernorm.weight`, hidden] as const,
      ...attention,
      [`${at}.mlp.gate_proj.weight`, intermediate, hidden] as const,
      [`${at}.mlp.up_proj.weight`, intermediate, hidden] as const,
      [`${at}.mlp.down_proj.weight`, hidden, intermediate] as const,
    ];
  });
  const all = [
    ['model.embed_tokens.weight', vocab, hidden] as const,
    ...matrices.flat(),
    ['model.norm.weight', hidden] as const,
  ];
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const name = `model-0000${shard + 1}-of-0000${SHARDS}.safetensors`;
    const part = all.filter((_, index) => Math.floor((index * SHARDS) / all.length) === shard);
    const tensors = part.map(([tensor, ...shape]): TensorToWrite => ({
      name: tensor,
      dtype: 'BF16',
      shape,
      data: () => Promise.resolve(randomBf16(shape.reduce((a, b) => a * b, 1))),
    }));
    for (const { name: tensor } of tensors) weight_map[tensor] = name;
    await writeSafetensors(path.join(dir, name), tensors);
  }
  const write = (name: string, value: unknown) => writeFileSync(path.join(dir, name), JSON.stringify(value));
  write('model.safetensors.index.json', { metadata: {}, weight_map });
  write('tokenizer.json', byteLevelTokenizer());
  write('config.json', {
    model_type: 'llama',
    vocab_size: vocab,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: heads,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
  });
}

/** Small numbers of both signs. */
function randomBf16(count: number): Uint8Array {
  const values = new Uint16Array(count);
  for (let index = 0; index < count; index++) values[index] = 0x3c00 | (Math.random() * 0x80ff);
  return new Uint8Array(values.buffer);
}
