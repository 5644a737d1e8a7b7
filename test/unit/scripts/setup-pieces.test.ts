/**
 * @file The small decisions of set-up: where the cache is, what a machine lacks, what counts as a whole runtime.
 */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeShortfall } from '../../../scripts/setup/build-tools.mjs';
import { requireDiskSpace } from '../../../scripts/setup/disk-space.mjs';
import { cacheRoot } from '../../../scripts/setup/paths.mjs';
import { jsonReporter } from '../../../scripts/setup/progress.mjs';
import { areLibrariesWhole, readRuntimeRecord, writeRuntimeRecord } from '../../../scripts/setup/runtime-record.mjs';
import { runtimeSpec } from '../../../scripts/setup/runtime-spec.mjs';
import { pipDownloadArgs } from '../../../scripts/setup/wheels.mjs';

describe('cacheRoot', () => {
  it.each([
    ['the given folder first', { TUNESMITH_CACHE: '/a', XDG_CACHE_HOME: '/b', HOME: '/h' }, 'linux', '/a'],
    ['then the desktop standard', { XDG_CACHE_HOME: '/b', HOME: '/h' }, 'linux', '/b/tunesmith'],
    ['then the home folder', { HOME: '/h' }, 'linux', '/h/.cache/tunesmith'],
    ['the place of macOS', { HOME: '/h' }, 'darwin', '/h/Library/Caches/tunesmith'],
  ] as const)('%s', (_name, env, platform, expected) => {
    expect(cacheRoot(env, platform)).toBe(expected);
  });
});

describe('describeShortfall', () => {
  it('names every missing piece and one command for all', () => {
    expect(describeShortfall(['pip', 'compiler'], 'debian')).toEqual({
      reason: 'pip for Python 3 and a C++ compiler (g++ or clang++) are missing',
      fix: 'sudo apt-get install -y python3-pip g++',
    });
    expect(describeShortfall(['compiler'], 'fedora').fix).toBe('sudo dnf install -y gcc-c++');
    expect(describeShortfall(['compiler'], 'mac').fix).toBe('xcode-select --install');
  });

  it('gives two families where the system is unknown', () => {
    expect(describeShortfall(['pip'], 'unknown').fix).toMatch(/apt-get.*Debian.*dnf.*Fedora/);
  });
});

describe('runtimeSpec', () => {
  it('keeps CPU and CUDA apart, and knows where there is none', () => {
    expect(runtimeSpec('cpu', 'linux', 'x64')?.directory).toBe('tensorflow-cpu-2.21.0-linux-x64');
    expect(runtimeSpec('cuda', 'linux', 'x64')?.directory).toBe('tensorflow-cuda-2.21.0-linux-x64');
    expect(runtimeSpec('cuda', 'darwin', 'arm64')).toBeNull();
    expect(runtimeSpec('cpu', 'win32', 'x64')).toBeNull();
  });

  it('lets pip take wheels with any of the tags of the platform', () => {
    const spec = requireSpec('cuda');
    const args = pipDownloadArgs(spec, ['nvidia-nccl-cu12'], '/t');
    expect(args).toContain('manylinux2014_x86_64');
    expect(args.slice(-4)).toEqual(['--no-deps', '-d', '/t', 'nvidia-nccl-cu12']);
  });
});

describe('runtime.json', () => {
  let dir = '';
  const spec = requireSpec('cpu');
  const library = 'tensorflow/libtensorflow_cc.so.2';
  const found = { builtWith: { bindingSources: 'h', compiler: 'g++', node: '24' }, loadError: null };

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'tunesmith-runtime-'));
    mkdirSync(path.join(dir, 'tensorflow'));
    const names = ['tfjs_binding.node', ...spec.libraries.map((name) => `tensorflow/${name}`)];
    for (const name of names) writeFileSync(path.join(dir, name), 'content');
    await writeRuntimeRecord(dir, spec, found);
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  it('marks a whole runtime', async () => {
    expect(await readRuntimeRecord(dir)).toMatchObject({ kind: 'cpu', version: '2.21.0', ...found });
  });

  it('does not hold for a cut library', async () => {
    truncateSync(path.join(dir, library), 3);
    expect(await readRuntimeRecord(dir)).toBeNull();
    expect(await areLibrariesWhole(dir)).toBe(false);
  });

  it('tells a missing binding from missing libraries', async () => {
    rmSync(path.join(dir, 'tfjs_binding.node'));
    expect(await readRuntimeRecord(dir)).toBeNull();
    expect(await areLibrariesWhole(dir)).toBe(true);
  });

  it.each(['', '{"format":1', '{"format":2}', 'null'])('is ignored when it reads %j', async (text) => {
    writeFileSync(path.join(dir, 'runtime.json'), text);
    expect(await readRuntimeRecord(dir)).toBeNull();
  });
});

it('refuses to start what the disk cannot hold, naming the amounts', async () => {
  const need = { folder: path.join(tmpdir(), 'not', 'there', 'yet'), bytes: 1e18, purpose: 'A test' };
  await expect(requireDiskSpace(need)).rejects.toThrow(/A test needs 1000000000.0 GB on the disk that holds .*yet/);
  await expect(requireDiskSpace({ ...need, bytes: 1 })).resolves.toBeUndefined();
});

it('reports stages as one JSON object a line', () => {
  const lines: string[] = [];
  const stage = jsonReporter((line: string) => lines.push(line)).stage('TensorFlow');
  stage.update(0.5, 'unpacking');
  stage.done();
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { event: 'stage', stage: 'TensorFlow', state: 'start', fraction: 0, detail: '' },
    { event: 'stage', stage: 'TensorFlow', state: 'progress', fraction: 0.5, detail: 'unpacking' },
    { event: 'stage', stage: 'TensorFlow', state: 'done', fraction: 1, detail: '' },
  ]);
});

function requireSpec(kind: 'cpu' | 'cuda') {
  const spec = runtimeSpec(kind, 'linux', 'x64');
  if (!spec) throw new Error('internal: no spec');
  return spec;
}
