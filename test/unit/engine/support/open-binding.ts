/**
 * @file The installed TensorFlow runtime, for tests that compute.
 */
import { loadTensorFlow, type TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { locateRuntime } from '../../../../src-main/services/runtime-locator.ts';

/** @throws where no runtime is installed */
export async function openBinding(): Promise<TensorFlowBinding> {
  const runtime = await locateRuntime();
  if (runtime === null) throw new Error('the TensorFlow runtime is not installed: run `npm run setup`');
  return loadTensorFlow({ bindingPath: runtime.bindingPath });
}
