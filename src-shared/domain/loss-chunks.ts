/**
 * @file Into how many chunks the loss over a vocabulary is cut (src-main/engine/loss/cross-entropy.ts).
 */

/**
 * Bytes that the logits of one chunk may take; more than one copy lives at once. In bf16 products with the head become slower from about 30 MB
 * on (a fifth at 50 MB), in f32 they do not.
 */
const CHUNK_BYTES = { float32: 96 << 20, bfloat16: 24 << 20 };
const VALUE_BYTES = { float32: 4, bfloat16: 2 };
const MOST_CHUNKS = 64;

/** How many chunks keep the logits of `labels` positions within bounds. @param compute dtype that products run in */
export function chooseChunks(labels: number, vocabSize: number, compute: keyof typeof CHUNK_BYTES): number {
  const wanted = Math.ceil((labels * vocabSize * VALUE_BYTES[compute]) / CHUNK_BYTES[compute]);
  return Math.max(1, Math.min(MOST_CHUNKS, wanted));
}
