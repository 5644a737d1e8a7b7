/**
 * @file JSON objects from files that people downloaded or edited.
 */
import { readFile } from 'node:fs/promises';
import type { Fault } from '../../../src-shared/domain/app-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads one JSON object.
 * @param faults takes what is wrong with the file
 * @returns null where the file is absent (no fault) or not sound (one fault)
 */
export async function readJsonObject(file: string, faults: Fault[]): Promise<JsonObject | null> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT') return null;
    faults.push({
      file,
      message: code === 'EACCES' ? 'no permission to read it' : `cannot be read: ${reasonOf(error)}`,
    });
    return null;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
    faults.push({ file, message: 'is JSON, but not an object' });
  } catch (error) {
    faults.push({ file, message: text.trim() === '' ? 'is empty' : `is not JSON: ${reasonOf(error)}` });
  }
  return null;
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 160);
}
