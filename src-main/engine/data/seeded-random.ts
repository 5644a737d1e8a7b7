/**
 * @file Random numbers without state: each is a function of seed, stream and counter, so that a position is all there is to save.
 *
 * Three rounds of MurmurHash3's 32-bit finalizer (Appleby 2011), which is enough for shuffling; nothing here is secret.
 */

/** @returns an integer in [0, 2^32) that depends on all three numbers and nothing else. */
export function randomUint32(seed: number, stream: number, counter: number): number {
  return (
    mix(mix(mix(seed + 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca77)) ^ Math.imul(counter + 1, 0xc2b2ae3d)) >>> 0
  );
}

/** The numbers 0 to count - 1 in an order that depends on seed and stream only (Fisher and Yates). */
export function shuffledIndices(count: number, seed: number, stream: number): number[] {
  const indices = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = Math.floor((randomUint32(seed, stream, last) / 2 ** 32) * (last + 1));
    [indices[last], indices[chosen]] = [indices[chosen]!, indices[last]!];
  }
  return indices;
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
