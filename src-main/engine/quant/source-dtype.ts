/**
 * @file The precision that a weight had in its file, by PyTorch's names, as the quantized formats record it.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { roundToBf16, roundToF16 } from '../formats/float-conversion.ts';

/** A quantized matrix remembers what it was made from; a reader dequantizes into that. */
export type SourceDType = 'float32' | 'bfloat16' | 'float16';

export interface QuantizeOptions {
  /** Precision of the file; the values must be exact in it. */
  readonly sourceDtype: SourceDType;
  /** Name of the weight, for messages. */
  readonly name?: string;
}

/** Rounds float32 values in place to what `dtype` can hold. */
export function roundToSource(values: Float32Array, dtype: SourceDType): void {
  if (dtype === 'bfloat16') roundToBf16(values);
  else if (dtype === 'float16') roundToF16(values);
}

/** For a weight that holds infinity or NaN, which no quantized format can give back. */
export function notFinite(name = 'a weight', index: number, value: number): AppError {
  const message = `element ${index} is ${value}, so it cannot be quantized`;
  return new AppError('quant/not-finite', `${name}: ${message}`, {
    hint: 'The model file is damaged or its training went wrong; get it again.',
    faults: [{ field: name, message }],
  });
}

/** Product of the sizes, checked against the number of values. */
export function requireCount(values: ArrayLike<number>, shape: readonly number[]): void {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== values.length) {
    throw new Error(`internal: shape [${shape.join()}] has ${count} values, got ${values.length}`);
  }
}
