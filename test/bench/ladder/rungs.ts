/**
 * @file The levers one on top of the other, each as the engine can really switch it: a rung is the rung below and one more change.
 */
import { LARGE_PAGES } from '../../../src-main/jobs/job-environment.ts';
import type { Execution } from '../../../src-main/engine/recipes/execution.ts';
import type { Storage } from '../own-config.ts';

export interface RungSettings {
  readonly mode: Execution['mode'];
  readonly storage: Storage;
  /** `file`: rows in the order of the file; `length`: rows of similar lengths; `packed`: several in a row. */
  readonly batches: 'file' | 'length' | 'packed';
  readonly labels: 'all' | 'answers';
  /** Pieces of the loss; null = as the product chooses. */
  readonly chunks: number | null;
  readonly checkpointing: boolean;
  /** Expanded copies of quantized weights are kept. */
  readonly copies: boolean;
  /** What is between products runs as kernels compiled for each size of batch; null = as the product chooses. */
  readonly fused: boolean | null;
  /** Parts of a batch side by side; null = as the product chooses. */
  readonly shards: number | null;
  readonly env: Readonly<Record<string, string>>;
}

export interface Rung {
  readonly name: string;
  readonly settings: RungSettings;
  /** Measured steps. */
  readonly steps: number;
  /** What it is compared with: the rung before it, or a named one. */
  readonly against: string | null;
}

const EAGER_STEPS = 4;
const STEPS = 10;

const START: RungSettings = {
  mode: 'eager',
  storage: 'none',
  batches: 'file',
  labels: 'all',
  chunks: 1,
  checkpointing: false,
  copies: true,
  fused: false,
  shards: 1,
  env: { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' },
};

const LADDER: readonly [name: string, change: Partial<RungSettings>][] = [
  ['eager, f32, padded in the order of the file', {}],
  ['+ compiled step', { mode: 'compiled' }],
  ['+ bf16 weights, products and activations', { storage: 'bf16' }],
  ['+ loss in pieces', { chunks: null }],
  ['+ answers alone have labels', { labels: 'answers' }],
  ['+ batches of similar lengths', { batches: 'length' }],
  ['+ packed rows', { batches: 'packed' }],
  ['+ fused chains', { fused: true }],
  ['+ large pages', { env: { GLIBC_TUNABLES: LARGE_PAGES } }],
  ['+ shards side by side', { shards: null }],
];

const TOP = LADDER.at(-1)![0];

/** Changes to the whole ladder, each for itself. */
const APART: readonly [name: string, change: Partial<RungSettings>][] = [
  ['with recomputed blocks', { checkpointing: true }],
  ['with NF4 weights and kept copies', { storage: 'nf4' }],
  ['with NF4 weights, no copies, no shards', { storage: 'nf4', copies: false, shards: 1 }],
  [
    'with NF4 weights, no copies, no shards, recomputed blocks',
    { storage: 'nf4', copies: false, shards: 1, checkpointing: true },
  ],
  ['with INT8 weights, no copies, no shards', { storage: 'int8', copies: false, shards: 1 }],
  ['without oneDNN', { env: { TF_ENABLE_ONEDNN_OPTS: '0' } }],
  ['one op at a time (inter-op threads 1), no shards', { shards: 1, env: { TF_NUM_INTEROP_THREADS: '1' } }],
  ['op by op (eager), no shards', { mode: 'eager', shards: 1 }],
];

export const RUNGS: readonly Rung[] = [...climb(), ...apart()];

function climb(): Rung[] {
  let settings = START;
  return LADDER.map(([name, change], index) => {
    settings = { ...settings, ...change };
    return { name, settings, steps: stepsOf(settings), against: LADDER[index - 1]?.[0] ?? null };
  });
}

function apart(): Rung[] {
  const top = LADDER.reduce((settings, [, change]) => ({ ...settings, ...change }), START);
  return APART.map(([name, change]) => {
    const settings = { ...top, ...change, env: { ...top.env, ...change.env } };
    return { name, settings, steps: stepsOf(settings), against: TOP };
  });
}

function stepsOf({ mode }: RungSettings): number {
  return mode === 'eager' ? EAGER_STEPS : STEPS;
}

/** What the issue names as levers and no rung shows. */
export const NOT_SEPARABLE =
  'Not separable without a second implementation in the product: hand-written gradients without any for frozen weights, shared products ' +
  'of query/key/value and gate/up with their adapters (which linears share an input is part of a model’s code), adapters in bf16 apart ' +
  'from the base (one compute dtype), rotary and norms in few ops where they are not fused, the fused optimizer update. Their effect is ' +
  'inside the first rung.';
