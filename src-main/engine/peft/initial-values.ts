/**
 * @file How trained tensors start: PEFT's distributions, drawn from a generator without state.
 *
 * The values of a tensor depend on seed and name alone, so adding a module to an adapter changes no other one.
 */
import { randomUint32 } from '../data/seeded-random.ts';

/**
 * What PyTorch gives a linear layer, kaiming_uniform with a = sqrt(5): uniform in ±1/sqrt(fanIn).
 * @param fanIn columns of the matrix
 */
export function drawUniform(seed: number, name: string, size: number, fanIn: number): Float32Array<ArrayBuffer> {
  const stream = streamOf(name);
  const bound = 1 / Math.sqrt(fanIn);
  return Float32Array.from({ length: size }, (_, i) => bound * (2 * fraction(seed, stream, i) - 1));
}

/** Normal numbers around zero (Box and Muller). */
export function drawNormal(seed: number, name: string, size: number, deviation: number): Float32Array<ArrayBuffer> {
  const stream = streamOf(name);
  return Float32Array.from({ length: size }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(fraction(seed, stream, 2 * i)));
    return deviation * radius * Math.cos(2 * Math.PI * fraction(seed, stream, 2 * i + 1));
  });
}

/** The same number for every value. */
export function fillWith(size: number, value: number): Float32Array<ArrayBuffer> {
  return new Float32Array(size).fill(value);
}

/** Inside (0, 1), both ends left out. */
function fraction(seed: number, stream: number, counter: number): number {
  return (randomUint32(seed, stream, counter) + 0.5) / 2 ** 32;
}

/** A number for a name (FNV-1a). */
function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
