/**
 * @file Counts the time that is spent inside TensorFlow's session, so that what is left of a step is JavaScript's.
 */
import type { TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';

export interface MeteredBinding {
  readonly binding: TensorFlowBinding;
  /** Milliseconds inside `runSavedModel` so far. */
  sessionMs(): number;
}

/** The same binding with one function timed. */
export function meterBinding(binding: TensorFlowBinding): MeteredBinding {
  let total = 0;
  const runSavedModel: TensorFlowBinding['runSavedModel'] = (...args) => {
    const start = performance.now();
    try {
      return binding.runSavedModel(...args);
    } finally {
      total += performance.now() - start;
    }
  };
  const metered = Object.create(binding, { runSavedModel: { value: runSavedModel } }) as TensorFlowBinding;
  return { binding: metered, sessionMs: () => total };
}
