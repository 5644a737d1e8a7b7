/**
 * @file The list of trained tensors: names, shapes, and how the optimizer treats each.
 */
import type { PeftConfig } from '../../../src-shared/schema/run-config.ts';
import { adapterName, type AdapterPart } from '../formats/adapter-names.ts';
import { rankOf, scaleOf } from '../formats/peft-config.ts';
import type { UpdateSpec } from '../nn/weight-spec.ts';
import { moduleOf, type AdaptableModel, type AdapterTarget } from './adaptable-model.ts';

export interface TrainedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly part: AdapterPart;
  /** The adapted module; null for the model's own tensors. */
  readonly target: AdapterTarget | null;
  /** PEFT's files hold it as [in, out]: a matrix of GPT-2 that is trained whole. */
  readonly transposed: boolean;
  readonly decay: boolean;
  readonly lrRatio: number;
}

/** LoRA+: factors on the learning rate. */
export interface LoraPlus {
  /** Of B, and of every vector. */
  readonly ratio: number;
  /** Of both matrices of an embedding table, which PEFT gives a small rate of their own. */
  readonly tableRatio: number;
}

export interface TrainedTensorsOptions {
  readonly peft: PeftConfig;
  readonly targets: readonly AdapterTarget[];
  /** Names of the model's own tensors that are trained. */
  readonly own: ReadonlySet<string>;
  /** null = LoRA+ is off. */
  readonly loraPlus: LoraPlus | null;
}

/** What `Trainer.get_decay_parameter_names` leaves out by name (transformers 5). */
const NO_DECAY = /bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)/;

/** In the order of the network; the parts of one module as lora_A, lora_B, lora_magnitude_vector, scaling_vector. */
export function listTrainedTensors(model: AdaptableModel, options: TrainedTensorsOptions): TrainedTensor[] {
  const { own, targets } = options;
  const adapted = new Map(targets.map((target) => [`${target.path}.weight`, target]));
  return model.weights.flatMap(({ name, shape, role, transposed = false }): TrainedTensor[] => {
    const target = adapted.get(name);
    const parts = target ? listParts(target, options) : [];
    if (!own.has(name)) return parts;
    // Trainer asks for the class of norms whose names do not tell; every vector is a bias or belongs to a norm.
    const decay = role !== 'vector' && !NO_DECAY.test(name.toLowerCase());
    return [
      ...parts,
      { name, shape, part: 'weights', target: null, transposed, decay, lrRatio: ratioOf('weights', shape, options) },
    ];
  });
}

function listParts(target: AdapterTarget, options: TrainedTensorsOptions): TrainedTensor[] {
  const { path, inFeatures, outFeatures } = target;
  const { peft } = options;
  const rank = rankOf(peft, path);
  const make = (part: Exclude<AdapterPart, 'weights'>, shape: number[]): TrainedTensor => {
    const name = adapterName(path, part);
    return {
      name,
      shape,
      part,
      target,
      transposed: false,
      decay: !NO_DECAY.test(name.toLowerCase()),
      lrRatio: ratioOf(part, shape, options),
    };
  };
  return [
    make(partOf(target, 'A'), [rank, inFeatures]),
    make(partOf(target, 'B'), [outFeatures, rank]),
    ...(peft.use_dora ? [make('lora_magnitude_vector', [outFeatures])] : []),
    ...(peft.peft_type === 'QLORA' ? [make('scaling_vector', [outFeatures])] : []),
  ];
}

/** LoRA+ as PEFT's optimizer has it. */
function ratioOf(part: AdapterPart, shape: readonly number[], { peft, loraPlus }: TrainedTensorsOptions): number {
  if (part === 'scaling_vector') return peft.scaling_vector_lr_ratio;
  if (loraPlus === null) return 1;
  if (part === 'lora_embedding_A' || part === 'lora_embedding_B') return loraPlus.tableRatio;
  return part === 'lora_B' || shape.length === 1 ? loraPlus.ratio : 1;
}

/** PEFT's name for A or B of a module. */
export function partOf({ isTable }: AdapterTarget, matrix: 'A' | 'B'): Exclude<AdapterPart, 'weights'> {
  return isTable ? `lora_embedding_${matrix}` : `lora_${matrix}`;
}

/** Sets `update` on the adapted linears and tables and clears it on all others. */
export function setUpdates(model: AdaptableModel, targets: readonly AdapterTarget[], peft: PeftConfig): void {
  const adapted = new Set(targets.map(({ path }) => path));
  const updateOf = (path: string): UpdateSpec | null =>
    adapted.has(path)
      ? {
          rank: rankOf(peft, path),
          scale: scaleOf(peft, path),
          dropout: peft.lora_dropout,
          scalingVector: peft.peft_type === 'QLORA',
          dora: peft.use_dora,
        }
      : null;
  for (const linear of model.linears) linear.update = updateOf(linear.path);
  for (const weight of model.weights) {
    if (weight.role === 'embedding') weight.update = updateOf(moduleOf(weight.name));
  }
}

/** Number of values in a tensor. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
