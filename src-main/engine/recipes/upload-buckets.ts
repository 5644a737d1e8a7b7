/**
 * @file Puts the starting values of trained tensors on the device, bucket by bucket, so that only one is in host memory at a time.
 */
import type { Device } from '../device/device.ts';
import type { ValueId } from '../device/runner.ts';
import type { TrainableTensor } from '../peft/types.ts';
import { copyToDevice } from '../weights/load-weights.ts';
import { type Bucket, packValues } from '../weights/trainables.ts';

/** @returns bucket variable -> device value; the caller owns them */
export async function uploadBuckets(
  device: Device,
  buckets: readonly Bucket[],
  tensors: readonly Pick<TrainableTensor, 'name' | 'initial'>[],
): Promise<Map<string, ValueId>> {
  const initial = new Map(tensors.map((tensor) => [tensor.name, tensor.initial]));
  const uploaded = new Map<string, ValueId>();
  for (const bucket of buckets) {
    const values = new Map<string, Float32Array<ArrayBuffer>>();
    for (const { name } of bucket.entries) values.set(name, await initial.get(name)!());
    const flat = packValues(bucket, values);
    uploaded.set(bucket.variable.name, copyToDevice(device, flat, 'float32', [bucket.size], 'float32'));
  }
  return uploaded;
}
