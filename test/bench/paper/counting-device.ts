/**
 * @file A device that counts what passes through it: launches, bytes read and written, floating-point work of products.
 */
import type { Device } from '../../../src-main/engine/device/device.ts';
import { bytesPerElement, type DType, DTYPE_CODES } from '../../../src-main/engine/device/dtype.ts';

export interface OpCount {
  /** Kernels that a graphics card would start; ops on shapes and renamed memory start none. */
  launches: number;
  /** Read and written, as if every op went to memory. */
  bytes: number;
  /** Of products. */
  flops: number;
}

export type Counts = Map<string, OpCount>;

export interface CountingDevice {
  readonly device: Device;
  /** What was counted since the last call, by op. */
  take(): Counts;
}

interface Known {
  readonly shape: readonly number[];
  readonly width: number;
}

const WIDTHS = new Map<number, number>(
  Object.entries(DTYPE_CODES).map(([name, code]) => [code, bytesPerElement(name as DType)]),
);
/** New names for memory that is there. */
const FREE = new Set(['Reshape', 'Identity', 'ExpandDims', 'Squeeze', 'Bitcast']);
/** These read as much of their first input as they write. */
const PARTIAL = new Set(['GatherV2', 'Slice', 'StridedSlice', 'Split', 'SplitV']);
/** Values up to this size are shapes and scalars, which TensorFlow keeps on the host. */
const HOST_VALUES = 16;

const sizeOf = ({ shape }: Known): number => shape.reduce((product, size) => product * size, 1);
const bytesOf = (known: Known): number => sizeOf(known) * known.width;

export function countOps(device: Device): CountingDevice {
  const known = new Map<number, Known>();
  let counts: Counts = new Map();
  const counting: Device = {
    createTensor(shape, dtype, values) {
      const id = device.createTensor(shape, dtype, values);
      known.set(id, { shape: [...shape], width: WIDTHS.get(dtype) ?? 4 });
      return id;
    },
    deleteTensor(id) {
      known.delete(id);
      device.deleteTensor(id);
    },
    tensorDataSync: (id) => device.tensorDataSync(id),
    getNumOfTensors: () => device.getNumOfTensors(),
    executeOp(name, attrs, inputs, outputs) {
      const made = device.executeOp(name, attrs, inputs, outputs);
      for (const { id, shape, dtype } of made) known.set(id, { shape, width: WIDTHS.get(dtype) ?? 4 });
      const lookUp = (id: number): Known => known.get(id) ?? { shape: [], width: 4 };
      note(
        counts,
        name,
        attrs,
        inputs.map(lookUp),
        made.map(({ id }) => lookUp(id)),
      );
      return made;
    },
  };
  return {
    device: counting,
    take() {
      const taken = counts;
      counts = new Map();
      return taken;
    },
  };
}

function note(
  counts: Counts,
  name: string,
  attrs: readonly { name: string; value: unknown }[],
  inputs: readonly Known[],
  outputs: readonly Known[],
): void {
  const isOnHost = [...inputs, ...outputs].every((value) => sizeOf(value) <= HOST_VALUES);
  if (FREE.has(name) || isOnHost) return;
  const written = outputs.reduce((sum, value) => sum + bytesOf(value), 0);
  const read = PARTIAL.has(name)
    ? written + inputs.slice(1).reduce((sum, value) => sum + bytesOf(value), 0)
    : inputs.reduce((sum, value) => sum + bytesOf(value), 0);
  const count = counts.get(name) ?? { launches: 0, bytes: 0, flops: 0 };
  count.launches += 1;
  count.bytes += read + written;
  count.flops += flopsOf(name, attrs, inputs, outputs);
  counts.set(name, count);
}

/** 2 m k n, for each matrix of a batch. */
function flopsOf(
  name: string,
  attrs: readonly { name: string; value: unknown }[],
  inputs: readonly Known[],
  outputs: readonly Known[],
): number {
  if (!/MatMul/.test(name)) return 0;
  const turned = attrs.some(({ name: attr, value }) => /^(transpose_a|adj_x)$/.test(attr) && value === true);
  const inner = inputs[0]!.shape.at(turned ? -2 : -1)!;
  return 2 * sizeOf(outputs[0]!) * inner;
}
