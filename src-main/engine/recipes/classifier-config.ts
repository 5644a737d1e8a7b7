/**
 * @file config.json of a model that became a classifier: transformers then loads it as one, with the names of its classes.
 */
import type { JsonObject } from '../formats/json-file.ts';
import { isGenericNames, type ClassSet } from '../data/class-labels.ts';

/**
 * @param padTokenId written where the file says nothing: without it transformers cannot tell where a padded row ends
 */
export function classifierConfig(
  config: JsonObject,
  { names, problemType }: ClassSet,
  padTokenId: number | null,
): JsonObject {
  const [architecture] = Array.isArray(config['architectures']) ? (config['architectures'] as unknown[]) : [];
  const named = typeof architecture === 'string' ? architecture : String(config['model_type']);
  const base = named.replace(
    /(ForCausalLM|LMHeadModel|ForMaskedLM|ForPreTraining|ForSequenceClassification|Model)$/,
    '',
  );
  const padding = config['pad_token_id'] ?? padTokenId;
  const labels = isGenericNames(names) ? names.map((_, id) => `LABEL_${id}`) : names;
  return {
    ...config,
    architectures: [`${base}ForSequenceClassification`],
    id2label: Object.fromEntries(labels.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(labels.map((name, id) => [name, id])),
    problem_type: problemType,
    ...(padding !== null && { pad_token_id: padding }),
  };
}
