/**
 * @file What the machine allows: the products of a step timed alone, through PyTorch and through our binding, the better of the two.
 *
 * Nothing that is built on these two libraries' products can make a step faster than the sum of the best times of its own
 * products; the square product shows the machine's peak, the triad its memory.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { AS_JOB, lastBody, type RunSettings, type Surroundings } from './surroundings.ts';
import { countFlops, type Product } from './workloads.ts';

const SQUARE: Product = { batch: 1, m: 2048, k: 2048, n: 2048, count: 1 };

export interface Roofline {
  readonly bandwidthBytesPerSecond: number;
  readonly f32: Ceiling;
  readonly bf16: Ceiling;
}

export interface Ceiling {
  /** FLOP/s of the square product: the better library's, and each one's. */
  readonly peak: number;
  readonly peakTorch: number;
  /** null: the card's products were timed through PyTorch only. */
  readonly peakBinding: number | null;
  /** Seconds of all products of one step, each through the better library; and each library alone. */
  readonly stepSeconds: number;
  readonly stepSecondsTorch: number;
  readonly stepSecondsBinding: number | null;
}

interface Times {
  readonly f32: readonly number[];
  readonly bf16: readonly number[];
}

/** @param label for what is said while it runs */
export async function measureRoofline(
  surroundings: Surroundings,
  products: readonly Product[],
  label: string,
): Promise<Roofline> {
  const { folder, python, bindingPath, card } = surroundings;
  const spec = path.join(folder, 'roofline.json');
  const device = card === null ? 'cpu' : 'cuda';
  writeFileSync(spec, JSON.stringify({ bindingPath, device, products: [SQUARE, ...products] }));
  const program = (name: string) => path.join(REPO_ROOT, 'test/bench', name);
  const timed = async (what: string, command: readonly string[], settings: RunSettings = {}) =>
    lastBody(await surroundings.run(`${label}: roofline, ${what}`, command, settings), what);
  const torch = await timed('PyTorch', [python, '-B', program('python/roofline.py'), spec]);
  // A call of the binding comes back before the card has ended, so there is nothing to time one product by.
  const binding =
    card === null ? await timed('binding', [process.execPath, program('roofline-binding.ts'), spec], AS_JOB) : null;
  const bandwidthBytesPerSecond = Number(torch.bandwidth_bytes_per_second);
  const ceiling = (dtype: 'f32' | 'bf16') =>
    toCeiling(products, (torch as unknown as Times)[dtype], (binding as unknown as Times | null)?.[dtype] ?? null);
  return { bandwidthBytesPerSecond, f32: ceiling('f32'), bf16: ceiling('bf16') };
}

function toCeiling(products: readonly Product[], torch: readonly number[], binding: readonly number[] | null): Ceiling {
  const best = torch.map((seconds, index) => Math.min(seconds, binding?.[index] ?? Infinity));
  const peakOf = (times: readonly number[]) => countFlops([SQUARE]) / (times[0] ?? NaN);
  const stepOf = (times: readonly number[]) =>
    products.reduce((sum, { count }, index) => sum + count * (times[index + 1] ?? NaN), 0);
  return {
    peak: peakOf(best),
    peakTorch: peakOf(torch),
    peakBinding: binding && peakOf(binding),
    stepSeconds: stepOf(best),
    stepSecondsTorch: stepOf(torch),
    stepSecondsBinding: binding && stepOf(binding),
  };
}
