/**
 * @file TensorFlow's stateless random numbers, bit for bit: Philox 4x32-10 (Salmon et al. 2011), the key and counter made from the
 * seed as tensorflow/core/kernels/stateless_random_ops.cc does. A dropout mask is the same on both engines.
 */
import type { WasmValue } from './heap.ts';
import { hostInts, type OpCall, type OpTable } from './op-call.ts';

export const RANDOM: OpTable = { StatelessRandomUniform: uniform };

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;
/** The key that scrambles seeds. */
const SCRAMBLE = [0x3ec8f720, 0x02461e29] as const;

type Quad = [number, number, number, number];

function philox(counter: Readonly<Quad>, key: readonly [number, number]): Quad {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round += 1) {
    const [high0, low0] = wideProduct(MULTIPLIERS[0], c0);
    const [high1, low1] = wideProduct(MULTIPLIERS[1], c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Both halves of a 64-bit product. */
function wideProduct(a: number, b: number): [high: number, low: number] {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle % 0x10000) + aLow * bHigh;
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/** int32 seeds are widened with their sign. */
const halves = (seed: number): [number, number] => [seed >>> 0, seed < 0 ? 0xffffffff : 0];

function uniform(call: OpCall): WasmValue {
  const { heap } = call;
  const [seed0, seed1] = hostInts(call, 1) as [number, number];
  const mix = philox([...halves(seed0), ...halves(seed1)], SCRAMBLE);
  const out = heap.make('float32', hostInts(call, 0));
  const floats = heap.floats(out);
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  for (let at = 0, block = 0; at < bits.length; at += 4, block += 1) {
    const four = philox([block, 0, mix[2], mix[3]], [mix[0], mix[1]]);
    // 23 random bits under the exponent of [1, 2).
    for (let i = 0; i < 4 && at + i < bits.length; i += 1) bits[at + i] = 0x3f800000 | (four[i]! & 0x7fffff);
  }
  for (let i = 0; i < floats.length; i += 1) floats[i]! -= 1;
  return out;
}
