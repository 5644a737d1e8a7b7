/**
 * @file Hides some tokens of a text for a masked language model to find: each with a chance of 15 %, and one at least; of these 80 % become
 * the mask token, 10 % another one at random, 10 % stay. Special tokens are never hidden.
 *
 * Which ones follows from seed and text alone. Source: Devlin et al. 2018; transformers' DataCollatorForLanguageModeling.
 */
import { randomUint32 } from './seeded-random.ts';
import { IGNORED_LABEL } from './types.ts';

const CHOSEN = 0.15;
const MASKED = 0.8;
const RANDOM = 0.9;

export interface MaskOptions {
  readonly maskTokenId: number;
  readonly vocabSize: number;
  readonly isSpecial: (id: number) => boolean;
  readonly seed: number;
  /** Differs from text to text. */
  readonly stream: number;
}

export interface MaskedTokens {
  readonly inputIds: Int32Array;
  /** The token that was there where it is asked for, else IGNORED_LABEL. */
  readonly labels: Int32Array;
}

export function maskTokens(ids: Int32Array, options: MaskOptions): MaskedTokens {
  const { maskTokenId, vocabSize, isSpecial, seed, stream } = options;
  const draw = (index: number, purpose: number): number => randomUint32(seed, stream, index * 3 + purpose) / 2 ** 32;
  const inputIds = ids.slice();
  const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
  for (const index of choosePlaces(ids, isSpecial, (place) => draw(place, 0))) {
    labels[index] = ids[index]!;
    const fate = draw(index, 1);
    if (fate < MASKED) inputIds[index] = maskTokenId;
    else if (fate < RANDOM) inputIds[index] = Math.floor(draw(index, 2) * vocabSize);
  }
  return { inputIds, labels };
}

/** Where the chance takes none, the place that came nearest: else short texts would mostly have nothing to find. */
function choosePlaces(
  ids: Int32Array,
  isSpecial: (id: number) => boolean,
  drawOf: (place: number) => number,
): readonly number[] {
  const places = [...ids.keys()].filter((place) => !isSpecial(ids[place]!));
  const chosen = places.filter((place) => drawOf(place) < CHOSEN);
  if (chosen.length > 0 || places.length === 0) return chosen;
  return [places.reduce((best, place) => (drawOf(place) < drawOf(best) ? place : best))];
}
