/**
 * @file A tensor's bytes as they are in a file, to numbers and back.
 */
import { bf16ToFloat32, f16ToFloat32, float32ToBf16, float32ToF16 } from './float-conversion.ts';
import type { SafetensorsDType } from './safetensors-header.ts';

/** Element types that are read as float32. F64 is rounded. */
export const FLOAT_DTYPES = ['F32', 'F16', 'BF16', 'F64'] as const;
export type FloatFileDType = (typeof FLOAT_DTYPES)[number];
/** Element types that weights are written in. */
export type WritableFloatDType = Exclude<FloatFileDType, 'F64'>;

export function isFloatFileDType(dtype: SafetensorsDType): dtype is FloatFileDType {
  return (FLOAT_DTYPES as readonly string[]).includes(dtype);
}

/**
 * Bytes of a float tensor -> float32 values.
 * @returns for F32 at a multiple of four bytes a view of `bytes`, else a new array
 */
export function decodeFloats(bytes: Uint8Array<ArrayBuffer>, dtype: FloatFileDType): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case 'F32': {
      const { buffer, byteOffset, byteLength } = alignTo(bytes, 4);
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    }
    case 'F16':
      return f16ToFloat32(viewAsUint16(bytes));
    case 'BF16':
      return bf16ToFloat32(viewAsUint16(bytes));
    case 'F64': {
      const { buffer, byteOffset, byteLength } = alignTo(bytes, 8);
      return new Float32Array(new Float64Array(buffer, byteOffset, byteLength / 8));
    }
  }
}

/** float32 values -> bytes of a tensor; 16-bit types round to nearest even. For F32 a view of `values`. */
export function encodeFloats(values: Float32Array<ArrayBuffer>, dtype: WritableFloatDType): Uint8Array<ArrayBuffer> {
  switch (dtype) {
    case 'F32':
      return viewAsBytes(values);
    case 'F16':
      return viewAsBytes(float32ToF16(values));
    case 'BF16':
      return viewAsBytes(float32ToBf16(values));
  }
}

/** The same memory as 16-bit words; copied where it does not start at an even byte. */
export function viewAsUint16(bytes: Uint8Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = alignTo(bytes, 2);
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** The same memory as bytes. */
export function viewAsBytes(
  values: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function alignTo(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}
