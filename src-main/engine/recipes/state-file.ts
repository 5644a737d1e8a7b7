/**
 * @file Reads the optimizer's state out of a checkpoint, one tensor at a time.
 */
import { openSafetensors } from '../formats/safetensors.ts';
import { decodeFloats } from '../formats/tensor-data.ts';

/** Calls `take` with every tensor of the file. @throws file/not-found, safetensors/corrupt */
export async function readStateFile(
  file: string,
  take: (name: string, values: Float32Array<ArrayBuffer>) => Promise<void>,
): Promise<void> {
  const opened = await openSafetensors(file);
  try {
    for (const name of opened.entries().keys()) await take(name, decodeFloats(await opened.read(name), 'F32'));
  } finally {
    await opened.close();
  }
}
