/**
 * @file Changes to a configuration before it is checked: settings given as `path=value`, and relative paths.
 */
import path from 'node:path';
import { AppError, type Fault } from '../../src-shared/domain/app-error.ts';
import type { JsonObject, JsonValue } from '../../src-shared/domain/json.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';

/** Names that would reach into JavaScript's own objects. */
const FORBIDDEN = ['__proto__', 'prototype', 'constructor'];

/**
 * Lays settings over a configuration. Whether they make sense is the schema's business, so that all faults come in one message.
 * @param settings `path=value`; the value is JSON where it parses, else a string
 * @throws config/bad-setting for every text that is no `path=value`
 */
export function applySettings(config: JsonObject, settings: readonly string[]): JsonObject {
  const faults = settings
    .filter((text) => !isSetting(text))
    .map((text): Fault => ({
      field: text,
      message: 'is not of the form path=value',
      hint: 'for instance training.learning_rate=2e-4',
    }));
  if (faults.length > 0) {
    throw new AppError('config/bad-setting', `--set: ${faults.map(({ field }) => `"${field}"`).join(', ')}`, {
      hint: 'Write --set path=value, for instance --set training.learning_rate=2e-4',
      faults,
    });
  }
  return settings.reduce((changed, text) => {
    const at = text.indexOf('=');
    return setAt(changed, text.slice(0, at).split('.'), parseValue(text.slice(at + 1)));
  }, config);
}

/** The same configuration with all its paths absolute, so that the run can be resumed from any folder. */
export function makePathsAbsolute(config: RunConfig, folder: string): RunConfig {
  const absolute = (file: string) => path.resolve(folder, file);
  const { data, peft, model } = config;
  return {
    ...config,
    model: { ...model, path: absolute(model.path) },
    data: { ...data, train: data.train.map(absolute), ...(data.eval && { eval: data.eval.map(absolute) }) },
    peft: { ...peft, ...(peft.adapter_path && { adapter_path: absolute(peft.adapter_path) }) },
  };
}

/** Every setting as `path -> JSON text`, for comparing configurations. */
export function flattenConfig(value: JsonValue | undefined, prefix = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map(value === undefined ? [] : [[prefix, JSON.stringify(value)]]);
  }
  const entries = Object.entries(value as JsonObject);
  if (entries.length === 0) return new Map([[prefix, '{}']]);
  return new Map(entries.flatMap(([name, inner]) => [...flattenConfig(inner, prefix ? `${prefix}.${name}` : name)]));
}

function isSetting(text: string): boolean {
  const [name = ''] = text.split('=');
  const parts = name.split('.');
  return text.includes('=') && parts.every((part) => /^[\w-]+$/.test(part) && !FORBIDDEN.includes(part));
}

function parseValue(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** A value in the way of a longer path is replaced; the schema then names the path if it is unknown. */
function setAt(config: JsonObject, [first = '', ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (rest.length === 0) return { ...config, [first]: value };
  const inner = config[first];
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
  return { ...config, [first]: setAt(isObject ? (inner as JsonObject) : {}, rest, value) };
}
