/**
 * @file Results in forms that other programs load: merged models, adapters in PEFT's format.
 */
import path from 'node:path';
import type { ExportOptions, MergeOptions, WrittenFolder } from '../engine/recipes/contract.ts';
import { insertExport } from '../store/exports.ts';
import { findRunByDir } from '../store/runs.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import { followJob, type JobRunner } from './job-runner.ts';

export interface ExportService {
  merge(request: Omit<MergeOptions, 'host'>, following?: JobFollowing): Promise<WrittenFolder>;
  export(request: Omit<ExportOptions, 'host'>, following?: JobFollowing): Promise<WrittenFolder>;
}

export function createExportService({ history, jobs }: { history: History; jobs: JobRunner }): ExportService {
  /** An adapter in a run folder (the final one or a checkpoint) belongs to that run. */
  async function record(format: string, adapterDir: string, written: WrittenFolder): Promise<WrittenFolder> {
    const db = await history.open();
    const run = findRunByDir(db, path.dirname(path.resolve(adapterDir)));
    const { dir, bytes } = written;
    const about = { id: crypto.randomUUID(), run_id: run?.id ?? null, created_at: Date.now() };
    insertExport(db, { ...about, format, path: dir, size_bytes: bytes });
    return written;
  }

  return {
    async merge(request, { signal, onEvent } = {}) {
      const written = await followJob(await jobs.start('merge', request, { onEvent }), signal);
      return record('merged', request.adapterDir, written);
    },
    async export(request, { signal, onEvent } = {}) {
      const written = await followJob(await jobs.start('export', request, { onEvent }), signal);
      return record(request.format, request.adapterDir, written);
    },
  };
}
