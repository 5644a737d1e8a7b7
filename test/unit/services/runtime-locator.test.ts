import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeRuntimeRecord } from '../../../scripts/setup/runtime-record.mjs';
import { runtimeSpec } from '../../../scripts/setup/runtime-spec.mjs';
import { cacheFolder, homeFolder } from '../../../src-main/services/app-paths.ts';
import { findRuntimes, locateRuntime, readEngineChoice } from '../../../src-main/services/runtime-locator.ts';

let cache = '';
let env: NodeJS.ProcessEnv = {};

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'tunesmith-cache-'));
  env = { TUNESMITH_CACHE: cache };
});

afterEach(() => rmSync(cache, { recursive: true }));

it('finds nothing in an empty cache', async () => {
  expect(await findRuntimes(env)).toEqual([]);
  expect(await locateRuntime(env)).toBeNull();
});

it('takes the CPU runtime, and the CUDA one where it is installed', async () => {
  const dir = await install('cpu');
  expect(await locateRuntime(env)).toEqual({
    kind: 'cpu',
    version: '2.21.0',
    dir,
    bindingPath: path.join(dir, 'tfjs_binding.node'),
    loadError: null,
  });
  await install('cuda');
  expect((await locateRuntime(env))?.kind).toBe('cuda');
});

it('follows TUNESMITH_ENGINE', async () => {
  await install('cpu');
  await install('cuda');
  expect((await locateRuntime({ ...env, TUNESMITH_ENGINE: 'cpu' }))?.kind).toBe('cpu');
  expect(await locateRuntime({ ...env, TUNESMITH_ENGINE: 'wasm' })).toBeNull();
});

it('does not quietly take another runtime than the one asked for', async () => {
  await install('cpu');
  await expect(locateRuntime({ ...env, TUNESMITH_ENGINE: 'cuda' })).rejects.toMatchObject({
    code: 'engine/runtime-missing',
    kind: 'environment',
    hint: expect.stringContaining('engine install --cuda'),
  });
  expect(() => readEngineChoice({ TUNESMITH_ENGINE: 'gpu' })).toThrow('TUNESMITH_ENGINE is "gpu"');
});

it('passes over a runtime that is torn, and one that does not run here', async () => {
  const dir = await install('cuda');
  rmSync(path.join(dir, 'tfjs_binding.node'));
  expect(await findRuntimes(env)).toEqual([]);
  await install('cpu', 'Illegal instruction');
  expect(await locateRuntime(env)).toBeNull();
  expect((await findRuntimes(env))[0]?.loadError).toBe('Illegal instruction');
});

it('keeps home and cache apart', () => {
  expect(homeFolder({ TUNESMITH_HOME: '/t', HOME: '/h' }, 'linux')).toBe('/t');
  expect(homeFolder({ HOME: '/h' }, 'linux')).toBe('/h/.local/share/tunesmith');
  expect(homeFolder({ HOME: '/h', XDG_DATA_HOME: '/d' }, 'linux')).toBe('/d/tunesmith');
  expect(homeFolder({ HOME: '/h' }, 'darwin')).toBe('/h/Library/Application Support/Tunesmith');
  expect(cacheFolder(env)).toBe(cache);
});

/** A runtime of empty libraries: the locator looks at records and sizes, it loads nothing. */
async function install(kind: 'cpu' | 'cuda', loadError: string | null = null): Promise<string> {
  const spec = runtimeSpec(kind, process.platform, process.arch);
  if (!spec) throw new Error(`internal: this test needs a platform with a ${kind} runtime`);
  const dir = path.join(cache, 'runtime', spec.directory);
  mkdirSync(path.join(dir, 'tensorflow'), { recursive: true });
  for (const library of spec.libraries) writeFileSync(path.join(dir, 'tensorflow', library), 'x');
  writeFileSync(path.join(dir, 'tfjs_binding.node'), 'not a library');
  await writeRuntimeRecord(dir, spec, { builtWith: { bindingSources: '', compiler: '', node: '' }, loadError });
  return dir;
}
