/**
 * @file What to change in a run that memory ended, where nobody is left to work out how much would do: the next least harmful step.
 *
 * The order is that of "make it fit" (src-main/engine/recipes/fit-memory.ts): smaller batches that add up to the same step,
 * checkpointing, smaller weights, shorter rows.
 */
import type { RunConfig } from '../schema/run-config.ts';

export type SmallerSettings = Readonly<Record<string, number | string | boolean>>;

/** Shorter rows than these teach little. */
const SHORTEST_ROW = 64;

/** @returns setting -> value as `--set` takes them; null where everything is small already */
export function needLess({ training, quantization, peft, data }: RunConfig): SmallerSettings | null {
  const batch = training.per_device_train_batch_size ?? 1;
  if (batch > 1) {
    const smaller = Math.floor(batch / 2);
    return {
      'training.per_device_train_batch_size': smaller,
      'training.gradient_accumulation_steps': Math.ceil(
        (batch * (training.gradient_accumulation_steps ?? 1)) / smaller,
      ),
    };
  }
  if (training.gradient_checkpointing !== true) return { 'training.gradient_checkpointing': true };
  const method = quantization.method ?? 'none';
  if (method === 'none') return { 'quantization.method': 'bf16' };
  if (method !== 'nf4' && peft.peft_type !== 'NONE') return { 'quantization.method': 'nf4' };
  const length = Math.floor((data.max_length ?? 0) / 2);
  return length >= SHORTEST_ROW ? { 'data.max_length': length } : null;
}

/** `--set a=1 --set b=2` */
export function formatSettings(settings: SmallerSettings): string {
  return Object.entries(settings)
    .map(([path, value]) => `--set ${path}=${value}`)
    .join(' ');
}
