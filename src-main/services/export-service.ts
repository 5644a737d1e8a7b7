/**
 * @file Results in forms that other programs load: merged models, adapters in PEFT's format.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import type { RunRecord } from '../../src-shared/domain/history.ts';
import type { QuantizationConfig } from '../../src-shared/schema/run-config.ts';
import type { ExportOptions, MergeOptions, WrittenFolder } from '../engine/recipes/contract.ts';
import { readManifest } from '../jobs/run-folder.ts';
import { insertExport } from '../store/exports.ts';
import { findRunByDir } from '../store/runs.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import { followJob, type JobRunner } from './job-runner.ts';

/** A run's weights, and how they are to be written. */
export interface WriteRequest {
  readonly run: RunRecord;
  readonly modelDir: string;
  /** null where the run trained all weights: `modelDir` is its result. */
  readonly adapterDir: string | null;
  readonly format: 'peft' | 'merged' | 'bitsandbytes';
  /** merged only; null = the model's own. */
  readonly dtype: MergeOptions['dtype'];
  /** bitsandbytes only. */
  readonly quantization: 'nf4' | 'int8';
  readonly outputDir: string;
}

/** What was written, with its id in the history. */
export interface KeptExport extends WrittenFolder {
  readonly id: string;
}

export interface ExportService {
  /** @throws export/no-adapter for a run that trained all weights */
  write(request: WriteRequest, following?: JobFollowing): Promise<KeptExport>;
  /** A folder in the home that does not exist, named after the run. @param step of a checkpoint; null = the result */
  suggestFolder(
    run: RunRecord,
    request: { readonly checkpoint: number | null; readonly format: string },
  ): Promise<string>;
  merge(request: Omit<MergeOptions, 'host'>, following?: JobFollowing): Promise<WrittenFolder>;
  export(request: Omit<ExportOptions, 'host'>, following?: JobFollowing): Promise<WrittenFolder>;
}

export interface ExportServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
}

export function createExportService({ home, history, jobs }: ExportServiceOptions): ExportService {
  /** What lies in a run folder (the final result or a checkpoint) belongs to that run. */
  async function record(
    format: string,
    { modelDir, adapterDir }: Pick<ExportOptions, 'modelDir' | 'adapterDir'>,
    written: WrittenFolder,
  ): Promise<KeptExport> {
    const db = await history.open();
    const [model_dir, adapter_dir] = [path.resolve(modelDir), adapterDir && path.resolve(adapterDir)];
    const run = findRunByDir(db, path.dirname(adapter_dir ?? model_dir));
    const { dir, bytes } = written;
    const about = { id: crypto.randomUUID(), run_id: run?.id ?? null, created_at: Date.now() };
    insertExport(db, { ...about, format, path: dir, size_bytes: bytes, model_dir, adapter_dir, certificate: null });
    return { ...written, id: about.id };
  }

  async function merge(request: Omit<MergeOptions, 'host'>, { signal, onEvent }: JobFollowing = {}) {
    const written = await followJob(await jobs.start('merge', request, { onEvent }), signal);
    return record('merged', request, written);
  }

  async function exportAs(request: Omit<ExportOptions, 'host'>, { signal, onEvent }: JobFollowing = {}) {
    const { format, adapterDir } = request;
    const trainedOn = request.trainedOn ?? (await trainingQuantization(adapterDir));
    const complete = trainedOn === undefined ? request : { ...request, trainedOn };
    const written = await followJob(await jobs.start('export', complete, { onEvent }), signal);
    return record(format, request, written);
  }

  return {
    merge: async (request, following) => withoutId(await merge(request, following)),
    export: async (request, following) => withoutId(await exportAs(request, following)),
    async write({ run, modelDir, adapterDir, format, dtype, quantization, outputDir }, following) {
      if (adapterDir === null) {
        throw new AppError('export/no-adapter', `The run "${run.name}" trained all weights: there is no adapter`, {
          hint: `Its result is a whole model already: ${modelDir}`,
        });
      }
      const request = { modelDir, adapterDir, outputDir };
      if (format === 'merged') return merge({ ...request, dtype }, following);
      if (format === 'peft') return exportAs({ ...request, format }, following);
      return exportAs({ ...request, format, quantization: { method: quantization, double_quant: true } }, following);
    },
    async suggestFolder(run, { checkpoint, format }) {
      const words = run.name
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 60);
      const step = checkpoint === null ? '' : `-step-${checkpoint}`;
      const base = path.join(home, 'exports', `${words || run.id}${step}-${format}`);
      const names = Array.from({ length: 1000 }, (_, index) => (index === 0 ? base : `${base}-${index + 1}`));
      return names.find((name) => !existsSync(name)) ?? `${base}-${crypto.randomUUID()}`;
    },
  };
}

const withoutId = ({ id: _id, ...written }: KeptExport): WrittenFolder => written;

/** How the run that made an adapter kept its weights; undefined for an adapter from elsewhere. */
async function trainingQuantization(adapterDir: string | null): Promise<QuantizationConfig | undefined> {
  if (adapterDir === null) return undefined;
  const manifest = await readManifest(path.dirname(path.resolve(adapterDir))).catch(() => null);
  const { method, double_quant: doubleQuant } = manifest?.config.quantization ?? {};
  return method === undefined ? undefined : { method, double_quant: doubleQuant ?? true };
}
