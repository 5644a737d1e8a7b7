/**
 * @file What is said of a runtime that is missing or damaged.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeRuntimeRecord } from '../../../scripts/setup/runtime-record.mjs';
import { runtimeSpec } from '../../../scripts/setup/runtime-spec.mjs';
import { runDoctor } from '../../../src-main/services/doctor.ts';
import { getEngineStatus, installEngine } from '../../../src-main/services/engine-service.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-engine-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('without a runtime', () => {
  beforeEach(() => {
    vi.stubEnv('TUNESMITH_CACHE', path.join(folder, 'cache'));
    vi.stubEnv('PATH', folder); // no Python, no compiler
    vi.stubEnv('CXX', '');
  });

  it('says that it is missing', async () => {
    const { runtime } = await getEngineStatus();
    expect(runtime).toEqual({ kind: 'cpu', state: 'missing', version: null, dir: null, detail: 'not installed' });
  });

  it('doctor names what an installation needs', async () => {
    const checks = await runDoctor();
    expect(checks.find(({ name }) => name === 'Engine')).toMatchObject({ state: 'warn' });
    expect(checks.find(({ name }) => name === 'Installing TensorFlow')).toMatchObject({
      state: 'warn',
      detail: 'Python 3 and a C++ compiler (g++ or clang++) are missing',
    });
  });

  it('installing names the missing pieces and the command that adds them', async () => {
    await expect(installEngine()).rejects.toMatchObject({
      code: 'engine/install-failed',
      kind: 'environment',
      message: 'TensorFlow: Python 3 and a C++ compiler (g++ or clang++) are missing',
      hint: expect.stringMatching(/g\+\+|gcc/),
    });
  });

  it('a folder that cannot be written is named', async () => {
    writeFileSync(path.join(folder, 'cache'), 'a file in the way');
    await expect(installEngine()).rejects.toMatchObject({
      code: 'setup/not-writable',
      message: expect.stringContaining(path.join(folder, 'cache')),
    });
  });
});

it('tells a runtime that does not load from one that is missing', async () => {
  vi.stubEnv('TUNESMITH_CACHE', folder);
  const spec = runtimeSpec('cpu');
  if (!spec) throw new Error('internal: this test needs a platform with a CPU runtime');
  const dir = path.join(folder, 'runtime', spec.directory);
  mkdirSync(path.join(dir, 'tensorflow'), { recursive: true });
  for (const name of ['tfjs_binding.node', ...spec.libraries.map((library) => `tensorflow/${library}`)]) {
    writeFileSync(path.join(dir, name), 'not a library');
  }
  await writeRuntimeRecord(dir, spec, { builtWith: { bindingSources: '', compiler: '', node: '' }, loadError: null });
  const { runtime } = await getEngineStatus();
  expect(runtime).toMatchObject({ state: 'broken', dir, version: null });
  expect(runtime.detail).toMatch(/invalid ELF header|file too short|not a mach-o/i);
  expect((await runDoctor()).find(({ name }) => name === 'Engine')).toMatchObject({ state: 'fail' });
});
