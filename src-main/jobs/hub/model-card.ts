/**
 * @file What the hub tells of a model besides its files, read with care: any of it may be missing or of another kind.
 */
import { z } from 'zod';

const cardSchema = z.looseObject({
  license: z.union([z.string(), z.array(z.string())]).nullish(),
  license_name: z.string().nullish(),
});

/** The licence's short name: of the model card, else of the tags. */
export function readLicence(info: { readonly cardData?: unknown; readonly tags?: unknown }): string | null {
  const card = cardSchema.safeParse(info.cardData);
  const { license, license_name } = card.success ? card.data : {};
  const named = Array.isArray(license) ? license.join(', ') : license;
  if (named) return named === 'other' && license_name ? license_name : named;
  const tags: unknown[] = Array.isArray(info.tags) ? info.tags : [];
  const tag = tags.find((entry) => typeof entry === 'string' && entry.startsWith('license:'));
  return typeof tag === 'string' ? tag.slice('license:'.length) : null;
}

const configSchema = z.looseObject({ model_type: z.string() });

export function readModelType(config: unknown): string | null {
  return configSchema.safeParse(config).data?.model_type ?? null;
}

const safetensorsSchema = z.looseObject({
  parameters: z.record(z.string(), z.number().nonnegative()),
  total: z.number().nonnegative().optional(),
});
/** Bytes of one number of each type that safetensors files have. */
const DTYPE_BYTES: Readonly<Record<string, number>> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2 };

/** Numbers in the weights and their bytes, as the hub has counted them. */
export function readWeightSize(safetensors: unknown): { parameters: number; bytes: number } | null {
  const counted = safetensorsSchema.safeParse(safetensors);
  if (!counted.success) return null;
  const entries = Object.entries(counted.data.parameters);
  const parameters = entries.reduce((sum, [, count]) => sum + count, 0);
  const bytes = entries.reduce((sum, [dtype, count]) => sum + count * (DTYPE_BYTES[dtype] ?? 1), 0);
  return parameters > 0 ? { parameters, bytes } : null;
}
