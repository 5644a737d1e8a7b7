/**
 * @file Where low-rank updates are computed in one product with their base (ops/folded-linear.ts).
 *
 * In bf16 on a processor a step becomes about 6 % shorter, since what is read and written counts there. In f32 the products themselves
 * count, and the room makes them wider: nothing gained. Not measured on CUDA, nor does every op of it exist there.
 */
import type { Execution } from './execution.ts';
import type { Precision } from './inference-session.ts';

export function foldsUpdates({ compute }: Precision, mode: Execution['mode'], isGpu: boolean): boolean {
  return compute === 'bfloat16' && mode === 'compiled' && !isGpu;
}
