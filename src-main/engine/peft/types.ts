/**
 * @file What PEFT hands to the recipes: which tensors are trained, how they start, and how they are written.
 */
import type { FileSet } from '../formats/file-set.ts';

/** A tensor that is trained (or, outside training, laid over the base). */
export interface TrainableTensor {
  /** Our path of the model's tensor, for instance `model.layers.0.mlp.up_proj.lora_A.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether weight decay applies: not to biases and norms, as in Hugging Face's Trainer. */
  readonly decay: boolean;
  /** Factor on the learning rate: LoRA+'s for B, `scaling_vector_lr_ratio` for s, else 1. */
  readonly lrRatio: number;
  /** Starting values, row by row; asked for once. */
  initial(): Promise<Float32Array<ArrayBuffer>>;
}

/** A model with its adapter attached. */
export interface PeftSetup {
  /** In the order of the network. */
  readonly trainables: readonly TrainableTensor[];
  /** Frozen tensors that are not as in the file (PiSSA's residual): name -> values, row by row, asked for once. */
  readonly replaced: ReadonlyMap<string, () => Promise<Float32Array<ArrayBuffer>>>;
  /**
   * The trained tensors as files: an adapter folder in the native layout (PEFT's, `scaling_vector` and `peft_type` QLORA
   * included), or for peft_type NONE a `model.safetensors` of the trained weights.
   * @param tensors name -> values for every trainable
   */
  files(tensors: ReadonlyMap<string, Float32Array<ArrayBuffer>>): Promise<FileSet>;
}
