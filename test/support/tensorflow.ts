/**
 * @file The installed TensorFlow runtime, for tests that cannot do without it. A test file that imports this one, by whatever way, is not
 * called where there is no runtime (scripts/launch/choose-tests.mjs); all others run on the wasm engine there.
 */
import { locateRuntime } from '../../src-main/services/runtime-locator.ts';

/** Path of the native binding. @throws where no runtime is installed */
export async function tensorFlowPath(): Promise<string> {
  const runtime = await locateRuntime();
  if (runtime === null) throw new Error('the TensorFlow runtime is not installed: run `npm run setup`');
  return runtime.bindingPath;
}
