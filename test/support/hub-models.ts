/**
 * @file Models for the loopback hub: one that loads, and one whose files are of any size.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeTinyModel } from '../recipe/support/tiny-model.ts';
import { encodeSafetensors } from '../../src-main/engine/formats/safetensors.ts';
import type { HubModelFiles } from './hub-server.ts';

/** What the header of a shard takes, about. */
const HEADER_BYTES = 120;

/** A Llama of some ten thousand parameters that trains. */
export async function tinyHubModel(id = 'maker/tiny', changes: Partial<HubModelFiles> = {}): Promise<HubModelFiles> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tunesmith-hub-model-'));
  try {
    await writeTinyModel(dir);
    const files = Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(path.join(dir, name))]));
    return { id, files, ...changes };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The same configuration and tokenizer with shards of one tensor each that fits no architecture. */
export async function shardedHubModel(shards: number, shardBytes: number, id = 'maker/large'): Promise<HubModelFiles> {
  const { files } = await tinyHubModel();
  const { 'model.safetensors': _single, ...rest } = files;
  const names = Array.from({ length: shards }, (_, at) => `model-0000${at + 1}-of-0000${shards}.safetensors`);
  const weight_map = Object.fromEntries(names.map((name, at) => [`tensor.${at}`, name]));
  const content = names.map((name, at) => [name, encodeShard(`tensor.${at}`, randomBytes(shardBytes, at + 1))]);
  const index = JSON.stringify({ metadata: {}, weight_map });
  return { id, files: { ...rest, 'model.safetensors.index.json': index, ...Object.fromEntries(content) } };
}

function encodeShard(name: string, data: Buffer): Buffer {
  const tensor = { name, dtype: 'U8' as const, shape: [data.length - HEADER_BYTES], data: data.subarray(HEADER_BYTES) };
  return Buffer.from(encodeSafetensors([tensor]));
}

/** The same bytes for the same seed. */
export function randomBytes(count: number, seed: number): Buffer {
  let state = seed >>> 0;
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
