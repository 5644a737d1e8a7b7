/**
 * @file Element types of device tensors, by TensorFlow's own numbers (tensorflow/core/framework/types.proto), so that the
 * binding and the graph writer can pass them on unchanged.
 */
export const DTYPE_CODES = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
} as const;

export type DType = keyof typeof DTYPE_CODES;

const BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  int32: 4,
  uint8: 1,
  int8: 1,
  int64: 8,
  bool: 1,
  bfloat16: 2,
  uint16: 2,
  float16: 2,
};

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return BYTES[dtype];
}

export type FloatDType = 'float32' | 'bfloat16';
