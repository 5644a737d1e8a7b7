/**
 * @file config.json as text, with numbers as Python wrote them.
 *
 * JavaScript knows no difference between 6 and 6.0, Python does: transformers refuses `llm_int8_threshold: 6`. So a setting that was a
 * float in the original file, or is known to be one, keeps its point.
 */
import { isJsonObject, type JsonObject } from './json-file.ts';

/** Settings of `quantization_config` that must be floats. */
const KNOWN_FLOATS = ['llm_int8_threshold'];

/**
 * The text of config.json, two spaces a level.
 * @param original text of the config.json that `config` was made from: says which settings are floats
 */
export function encodeModelConfig(config: JsonObject, original = '{}'): string {
  return `${encodeValue(config, new Set([...KNOWN_FLOATS, ...listFloatNames(original)]), '', '')}\n`;
}

/** Names of settings whose value, or an element of whose list, is written with a point or an exponent. */
function listFloatNames(text: string): string[] {
  const found = text.matchAll(/"((?:[^"\\]|\\.)+)"\s*:\s*\[?[\s\d,.eE+-]*?-?\d+(?:\.\d|[eE])/g);
  return [...found].map(([, name]) => name!);
}

function encodeValue(value: unknown, floats: ReadonlySet<string>, name: string, indent: string): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const items = value.map((item) => inner + encodeValue(item, floats, name, inner));
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (isJsonObject(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    if (fields.length === 0) return '{}';
    const lines = fields.map(
      ([key, field]) => `${inner}${JSON.stringify(key)}: ${encodeValue(field, floats, key, inner)}`,
    );
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 1e16 && floats.has(name)) {
    return `${value}.0`;
  }
  return JSON.stringify(value);
}
