import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DownloadFileOptions } from '../../../../src-main/jobs/hub/download-file.ts';
import { partFile, readRecord, stagingFolder } from '../../../../src-main/jobs/hub/download-folder.ts';
import { tinyHubModel, randomBytes, shardedHubModel } from '../../../support/hub-models.ts';
import { commitOf, type HubModelFiles, type HubServer, startHub } from '../../../support/hub-server.ts';
import { accessTo, findDifferences, pull, visibleFiles } from './support.ts';

const SHARD_BYTES = 300_000;

let hub: HubServer;
let folder = '';
let dir = '';
let model: HubModelFiles;
beforeEach(async () => {
  hub = await startHub();
  model = await shardedHubModel(3, SHARD_BYTES);
  hub.add(model);
  folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-hub-'));
  dir = path.join(folder, 'models', 'maker', 'large');
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const shard = (at: number) => `model-0000${at}-of-00003.safetensors`;

describe('a download', () => {
  it('brings what is needed and nothing else, pinned to a commit, with a record of where it came from', async () => {
    const more = { 'pytorch_model.bin': 'x', 'model.gguf': 'x', 'README.md': '# Large', 'run.py': 'import os' };
    hub.add({ ...model, files: { ...model.files, ...more } });
    const { progress } = await pull(accessTo(hub), model.id, dir);
    const needed = Object.keys(model.files);
    expect(findDifferences(dir, model, needed)).toEqual([]);
    expect(visibleFiles(dir).sort()).toEqual(needed.sort());
    const commit = commitOf({ ...model, files: { ...model.files, ...more } });
    expect(await readRecord(dir)).toMatchObject({ model: 'maker/large', revision: commit, licence: 'apache-2.0' });
    const files = hub.seen.filter(({ path: at }) => at.includes('/resolve/'));
    expect(files.every(({ path: at }) => at.includes(`/resolve/${commit}/`))).toBe(true);
    const last = progress.at(-1);
    expect(last?.done_bytes).toBe(last?.total_bytes);
    expect(last?.files.map(({ state }) => state)).toEqual(needed.map(() => 'done'));
  });

  it('that is cut at random bytes 20 times goes on from there each time', async () => {
    const random = [...randomBytes(40, 7)];
    let cuts = 0;
    hub.onFile = (name) => {
      if (cuts >= 20 || !name.startsWith('model-')) return null;
      return { cutAfter: 1 + (random[cuts++] ?? 0) * 100 };
    };
    await pull(accessTo(hub), model.id, dir);
    expect(cuts).toBe(20);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
    expect(hub.seen.filter(({ range }) => range !== null).length).toBeGreaterThanOrEqual(20);
  });

  it('goes on after its process was gone, and asks only for what is missing', async () => {
    const stopping = new AbortController();
    hub.onFile = (name) => (name === shard(2) ? { cutAfter: 120_000, hangs: true } : null);
    const tell = () => {
      const { size } = statSync(partFile(dir, shard(2)), { throwIfNoEntry: false }) ?? { size: 0 };
      if (size >= 120_000) stopping.abort();
    };
    await expect(pull(accessTo(hub), model.id, dir, { signal: stopping.signal, tell })).rejects.toThrow(/stopped/);
    expect(visibleFiles(dir)).toEqual([]);
    hub.onFile = () => null;
    hub.seen.length = 0;
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
    const ranges = hub.seen.filter(({ path: at, server }) => server === 'storage' && at.endsWith(shard(2)));
    expect(ranges.map(({ range }) => range)).toEqual(['bytes=120000-']);
  });

  it('finds out that what was kept is damaged, and fetches that file anew', async () => {
    const stopping = new AbortController();
    hub.onFile = (name) => (name === shard(3) ? { cutAfter: 200_000, hangs: true } : null);
    const tell = () => {
      const { size } = statSync(partFile(dir, shard(3)), { throwIfNoEntry: false }) ?? { size: 0 };
      if (size >= 200_000) stopping.abort();
    };
    await expect(pull(accessTo(hub), model.id, dir, { signal: stopping.signal, tell })).rejects.toThrow(/stopped/);
    const part = partFile(dir, shard(3));
    const torn = readFileSync(part);
    torn.fill(0, 1_000, 2_000);
    writeFileSync(part, torn);
    truncateSync(partFile(dir, shard(1)), 100);
    hub.onFile = () => null;
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
  });

  it('with a wrong checksum ends with one message and keeps no such file', async () => {
    hub.add({ ...model, listed: { [shard(1)]: { sha256: 'a'.repeat(64) } } });
    const error = await pull(accessTo(hub), model.id, dir).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'hub/checksum', kind: 'environment' });
    expect(String(error)).toContain(shard(1));
    expect(visibleFiles(dir)).toEqual([]);
    expect(statSync(partFile(dir, shard(1))).size).toBe(0);
  });

  it('that came damaged once is fetched once more', async () => {
    let times = 0;
    hub.onFile = (name) =>
      name === shard(1) && times++ === 0 ? { content: randomBytes(model.files[name]?.length ?? 0, 99) } : null;
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
  });

  it('of a file that is longer or shorter than listed ends with one message', async () => {
    hub.onFile = (name) => (name === shard(1) ? { content: randomBytes(SHARD_BYTES + 9, 1) } : null);
    await expect(pull(accessTo(hub), model.id, dir)).rejects.toMatchObject({ code: 'hub/bad-answer' });
    hub.onFile = (name, from) => (name === shard(1) && from === 0 ? { content: randomBytes(500, 1) } : null);
    rmSync(dir, { recursive: true });
    hub.add({
      ...model,
      files: { ...model.files, [shard(1)]: randomBytes(500, 1) },
      listed: { [shard(1)]: { size: 900 } },
    });
    await expect(pull(accessTo(hub), model.id, dir)).rejects.toMatchObject({ code: 'hub/bad-answer' });
    expect(visibleFiles(dir)).toEqual([]);
  });

  it('passes over what is there where a server knows no ranges', async () => {
    let times = 0;
    hub.onFile = (name) => {
      if (name !== shard(1)) return null;
      return times++ === 0 ? { cutAfter: 50_000 } : { ignoresRange: true };
    };
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
  });

  it('waits out servers that fail, hang, are slow, or whose signed address has run out', async () => {
    const first = new Set<string>();
    const answers = [
      { status: 500 },
      { status: 503, headers: { 'retry-after': '0' } },
      { status: 403 },
      { cutAfter: 10_000, hangs: true },
      { slowly: { bytes: 60_000, pauseMs: 20 } },
    ];
    hub.onFile = (name) => {
      if (first.has(name)) return null;
      first.add(name);
      return answers[first.size % answers.length] ?? null;
    };
    const { progress } = await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
    expect(progress.some(({ bytes_per_second }) => (bytes_per_second ?? 0) > 0)).toBe(true);
  });

  it('that fails for good says so once, and the next one goes on', async () => {
    hub.onFile = (name) => (name === shard(3) ? { status: 500 } : null);
    const error = await pull(accessTo(hub), model.id, dir).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'hub/server-failed', kind: 'environment' });
    hub.onFile = () => null;
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
  });

  it('on a full disk keeps what has come and says so', async () => {
    let written = 0;
    const write: DownloadFileOptions['write'] = async (handle, chunk, position) => {
      written += chunk.length;
      if (written > 400_000) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      await handle.write(chunk, 0, chunk.length, position);
    };
    const error = await pull(accessTo(hub), model.id, dir, { write }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'disk/full', kind: 'environment' });
    expect(visibleFiles(dir)).toEqual([]);
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
  });

  it('cut off while files get their names is no model yet, and is finished by the next', async () => {
    await pull(accessTo(hub), model.id, dir);
    const plan = await readRecord(dir);
    mkdirSync(stagingFolder(dir));
    writeFileSync(path.join(stagingFolder(dir), 'plan.json'), JSON.stringify(plan));
    rmSync(path.join(dir, 'config.json'));
    hub.seen.length = 0;
    await pull(accessTo(hub), model.id, dir);
    expect(findDifferences(dir, model, Object.keys(model.files))).toEqual([]);
    const fetched = hub.seen.filter(({ server }) => server === 'storage').map(({ path: at }) => at.split('/').at(-1));
    expect(new Set(fetched)).toEqual(new Set(['config.json', 'model.safetensors.index.json']));
  });

  it('accepts a small file that the hub lists with another id only where it comes twice the same', async () => {
    const tiny = await tinyHubModel('maker/listed');
    hub.add(tiny);
    const listed = commitOf(tiny);
    hub.onHub = (at) => {
      if (!at.includes(`/tree/`)) return null;
      const entries = Object.entries(tiny.files).map(([name, content]) => ({
        type: 'file',
        path: name,
        size: content.length,
        oid: listed,
      }));
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        content: Buffer.from(JSON.stringify(entries)),
      };
    };
    await pull(accessTo(hub), tiny.id, dir);
    expect(findDifferences(dir, tiny, Object.keys(tiny.files))).toEqual([]);
  });

  it('that another process works on is left alone', async () => {
    const stopping = new AbortController();
    hub.onFile = (name) => (name === shard(1) ? { cutAfter: 10, hangs: true } : null);
    const running = pull(accessTo(hub, { pace: { ...accessTo(hub).pace!, idleMs: 5_000 } }), model.id, dir, {
      signal: stopping.signal,
    }).catch((error: unknown) => error);
    await expect
      .poll(() => statSync(path.join(stagingFolder(dir), 'lock'), { throwIfNoEntry: false })?.size ?? 0)
      .toBeGreaterThan(0);
    hub.onFile = () => null;
    await expect(pull(accessTo(hub), model.id, dir)).rejects.toMatchObject({ code: 'download/at-work' });
    stopping.abort();
    await running;
  });
});
