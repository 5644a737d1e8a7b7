/**
 * @file Every random model that the families are proven on.
 */
import { ENCODER_DECODER_CASES } from './encoder-decoder-cases.ts';
import type { FamilyCase } from './family-case.ts';
import { LLAMA_LIKE_CASES } from './llama-like-cases.ts';
import { OWN_BLOCK_CASES } from './own-block-cases.ts';

export const FAMILY_CASES: readonly FamilyCase[] = [...LLAMA_LIKE_CASES, ...OWN_BLOCK_CASES, ...ENCODER_DECODER_CASES];
