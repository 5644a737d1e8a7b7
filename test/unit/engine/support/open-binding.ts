/**
 * @file The installed TensorFlow runtime, for tests that compute with it.
 */
import { loadTensorFlow, type TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { tensorFlowPath } from '../../../support/tensorflow.ts';

/** @throws where no runtime is installed */
export async function openBinding(): Promise<TensorFlowBinding> {
  return loadTensorFlow({ bindingPath: await tensorFlowPath() });
}
