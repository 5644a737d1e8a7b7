/**
 * @file Seeded choices for the text generators: the same seed and stream give the same text on every machine.
 */
import { randomUint32 } from '../../src-main/engine/data/seeded-random.ts';

export interface Random {
  /** An integer in [0, count). */
  int(count: number): number;
  pick<T>(list: readonly T[]): T;
  /** True with this probability (0 to 1). */
  chance(probability: number): boolean;
  /** Normal number, mean 0 and deviation 1 (Box and Muller 1958). */
  normal(): number;
}

/** @param stream sequences of different streams have nothing to do with each other */
export function createRandom(seed: number, stream: number): Random {
  let counter = 0;
  const unit = (): number => (randomUint32(seed, stream, counter++) + 0.5) / 2 ** 32;
  const int = (count: number): number => Math.floor(unit() * count);
  return {
    int,
    pick: (list) => {
      const chosen = list[int(list.length)];
      if (chosen === undefined) throw new Error('internal: nothing to pick from');
      return chosen;
    },
    chance: (probability) => unit() < probability,
    normal: () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit()),
  };
}

/** `count` different members of the list, in random order. */
export function pickSeveral<T>(random: Random, list: readonly T[], count: number): T[] {
  const rest = [...list];
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(random.int(rest.length), 1)[0]!);
}
