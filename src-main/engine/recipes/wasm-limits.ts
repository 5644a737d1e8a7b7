/**
 * @file What the wasm engine takes on: f32, models up to 200 M parameters, few trained values, steps within the 4 GB that it can address.
 * All else is refused before anything is loaded, with the reason and what to do.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { WASM_HEAP_BYTES, WASM_MOST_PARAMETERS } from '../../../src-shared/domain/memory-model.ts';
import { formatSettings } from '../../../src-shared/domain/need-less.ts';
import type { PlannedMemory } from '../../../src-shared/domain/run-plan.ts';
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import type { Model } from '../models/model.ts';
import { countValues } from '../weights/trainables.ts';

/** An f32 value with its gradient, two moments, and what a step makes of them is some 40 bytes. */
const MOST_TRAINED = 30_000_000;
const millions = (count: number): string => `${(count / 1e6).toPrecision(3)} million`;
const INSTALL = 'install TensorFlow with `node scripts/tunesmith.mjs engine install`';

export interface WasmWork {
  readonly model: Model;
  readonly quantization: QuantizationConfig;
  /** Values that are trained; 0 = none. */
  readonly trained: number;
}

/** @throws engine/wasm-limit with all reasons */
export function requireWasmCan({ model, quantization, trained }: WasmWork): void {
  const parameters = countValues(model.weights);
  const faults: Fault[] = [];
  const refuse = (field: string, message: string, hint: string) => faults.push({ field, message, hint });
  if (quantization.method !== 'none') {
    const message = `it computes in f32, and ${quantization.method} was asked for or is how the model is stored`;
    refuse('quantization.method', message, 'set quantization.method to none for a model that is not stored quantized');
  }
  if (parameters > WASM_MOST_PARAMETERS) {
    const message = `the model has ${millions(parameters)} parameters, and it takes at most ${millions(WASM_MOST_PARAMETERS)}`;
    refuse('model.path', message, 'choose a smaller model');
  }
  if (trained > MOST_TRAINED) {
    const message = `${millions(trained)} values would be trained, and it takes at most ${millions(MOST_TRAINED)}`;
    refuse('peft.peft_type', message, 'train an adapter (peft_type LORA), or fewer modules');
  }
  refuseAll(faults);
}

/** Bytes that a run would have on the engine's heap; what Node itself takes lies beside it. */
export function wasmHeapBytes({ peak_bytes, runtime_bytes, correction }: HeapFigures): number {
  return peak_bytes - runtime_bytes * correction;
}

type HeapFigures = Pick<PlannedMemory, 'peak_bytes' | 'runtime_bytes' | 'correction'>;

/** @throws engine/wasm-limit where a step would need more than the engine can address */
export function requireWasmHeap({
  limit,
  proposal,
  ...memory
}: HeapFigures & Pick<PlannedMemory, 'limit' | 'proposal'>): void {
  const needed = wasmHeapBytes(memory);
  if (limit !== 'wasm' || needed <= WASM_HEAP_BYTES) return;
  const message = `a step would need about ${gigabytes(needed)}, and it can address ${gigabytes(WASM_HEAP_BYTES)}`;
  const hint =
    proposal === null ? 'choose a smaller model or shorter rows' : `use ${formatSettings(proposal.settings)}`;
  refuseAll([{ field: 'training.per_device_train_batch_size', message, hint }]);
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function refuseAll(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const reasons = faults.map(({ message }) => message).join('; ');
  const hints = [...new Set(faults.map(({ hint }) => hint!)), INSTALL].join('; or ');
  throw new AppError('engine/wasm-limit', `The wasm engine cannot do this: ${reasons}`, {
    kind: 'environment',
    hint: `${hints[0]!.toUpperCase()}${hints.slice(1)}.`,
    faults,
  });
}
