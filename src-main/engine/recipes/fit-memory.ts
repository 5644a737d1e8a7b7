/**
 * @file "Make it fit": the least harmful change of settings with which a run fits into memory.
 *
 * From harmless to harmful: smaller batches, added up to the same step (the same gradients, a little slower); checkpointing (the same
 * gradients, a quarter slower); bf16 weights; 8-bit and 4-bit weights (a little loss); rows cut shorter (what is cut is not learnt).
 */
import type { MemoryProposal } from '../../../src-shared/domain/run-plan.ts';
import type { MemorySettings, RunMemory } from './run-memory.ts';

/** Shorter rows than these teach little. */
const SHORTEST_ROW = 64;
const PATHS: Readonly<Record<keyof MemorySettings, string>> = {
  per_device_train_batch_size: 'training.per_device_train_batch_size',
  per_device_eval_batch_size: 'training.per_device_eval_batch_size',
  gradient_accumulation_steps: 'training.gradient_accumulation_steps',
  max_length: 'data.max_length',
  method: 'quantization.method',
  checkpointing: 'training.gradient_checkpointing',
};

/**
 * @param checkpointing as the run has it now
 * @param availableBytes what the whole process may take
 * @param factor on the estimate, from earlier runs on this machine
 * @returns null where nothing makes it fit
 */
export function proposeFit(
  memory: RunMemory,
  checkpointing: boolean,
  availableBytes: number,
  factor = 1,
): MemoryProposal | null {
  const now: MemorySettings = { ...memory.settings, checkpointing };
  for (const settings of candidates(now, memory.methods)) {
    const peakBytes = memory.estimate(settings).peak_bytes * factor;
    if (peakBytes <= availableBytes) return { settings: changesOf(now, settings), peak_bytes: peakBytes };
  }
  return null;
}

/** From the least harmful to the most. */
function* candidates(now: MemorySettings, methods: RunMemory['methods']): Generator<MemorySettings> {
  yield* smallerBatches(now);
  for (const method of methods) yield* smallerBatches({ ...now, method, checkpointing: true });
  const smallest = { ...now, method: methods.at(-1)!, checkpointing: true };
  for (let length = now.max_length / 2; length >= SHORTEST_ROW; length /= 2) {
    yield* smallerBatches({ ...smallest, max_length: Math.floor(length) });
  }
}

/** The batch halved again and again, as often accumulated; that of the evaluations with it where it must be. */
function* smallerBatches(settings: MemorySettings): Generator<MemorySettings> {
  const { per_device_train_batch_size: batch, per_device_eval_batch_size: evaluated } = settings;
  const { gradient_accumulation_steps: steps } = settings;
  for (let size = batch; size >= 1; size = Math.floor(size / 2)) {
    const smaller = {
      ...settings,
      per_device_train_batch_size: size,
      gradient_accumulation_steps: Math.ceil((batch * steps) / size),
    };
    yield smaller;
    if (size < evaluated) yield { ...smaller, per_device_eval_batch_size: size };
  }
}

function changesOf(before: MemorySettings, after: MemorySettings): MemoryProposal['settings'] {
  const names = Object.keys(PATHS) as (keyof MemorySettings)[];
  return Object.fromEntries(
    names.filter((name) => before[name] !== after[name]).map((name) => [PATHS[name], after[name]]),
  );
}
