/**
 * @file Host memory that tensors are read into on their way to the device, used again for each.
 *
 * It begins at a page, which JavaScript gives for WebAssembly memory alone: TensorFlow takes aligned memory as it is and copies other
 * memory once more. And memory that is used again is neither zeroed nor fetched page by page for each tensor.
 */
const PAGE_BYTES = 65_536;
/** What one WebAssembly memory can hold; larger tensors get ordinary memory. */
const MOST_BYTES = 2 ** 32 - PAGE_BYTES;

/** Every Node has it; the types of a page, which declare it, are not the engine's. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  };
};

export interface Scratch {
  /** Holds what was read until it is asked for again. */
  take(bytes: number): Uint8Array<ArrayBuffer>;
}

export function createScratch(): Scratch {
  let memory = new Uint8Array(0);
  return {
    take(bytes) {
      if (memory.length < bytes) memory = allocate(bytes);
      return memory.subarray(0, bytes);
    },
  };
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > MOST_BYTES) return new Uint8Array(bytes);
  const initial = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new Uint8Array(new wasm.Memory({ initial, maximum: initial }).buffer);
  } catch {
    // It takes far more addresses than bytes; a limit on those (`ulimit -v`) may forbid it.
    return new Uint8Array(bytes);
  }
}
