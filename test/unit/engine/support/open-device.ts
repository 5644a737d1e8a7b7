/**
 * @file The device that ops run on one by one: TensorFlow, or the wasm engine where there is none.
 */
import type { Device } from '../../../../src-main/engine/device/device.ts';
import { loadTensorFlow } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { loadWasmDevice } from '../../../../src-main/engine/device/wasm/wasm-device.ts';
import { locateRuntime } from '../../../../src-main/services/runtime-locator.ts';

export async function openDevice(): Promise<Device> {
  const runtime = await locateRuntime();
  return runtime === null ? loadWasmDevice() : loadTensorFlow({ bindingPath: runtime.bindingPath });
}
