/**
 * @file Certificates: an exported folder is read back from the disk and, loaded as another program would load it, asked the same as the
 * run's own weights.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, Interrupted, toPlainError } from '../../src-shared/domain/app-error.ts';
import type { CheckedFile, ExportCertificate } from '../../src-shared/domain/export-certificate.ts';
import type { RunRecord } from '../../src-shared/domain/history.ts';
import type { QuantizationConfig, RunConfig } from '../../src-shared/schema/run-config.ts';
import type { ModelSource } from '../engine/recipes/contract.ts';
import { describeFile } from '../jobs/atomic-files.ts';
import { findExport, setExportCertificate } from '../store/exports.ts';
import { findRun } from '../store/runs.ts';
import { listSamples } from '../store/samples.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import { followDisposable, type JobRunner } from './job-runner.ts';

export interface ExportCheckService {
  /**
   * Checks an export that the history knows, and keeps the certificate there. What keeps the models from being compared is part of it.
   * @throws export/unknown, export/source-unknown, export/gone, Interrupted
   */
  check(id: string, following?: JobFollowing): Promise<ExportCertificate>;
  /** Any folder beside a run's weights; nothing is kept. @throws export/gone, Interrupted */
  compare(wanted: WantedCheck, following?: JobFollowing): Promise<ExportCertificate>;
}

export interface WantedCheck {
  readonly run: RunRecord | null;
  readonly original: ModelSource;
  /** A model's or an adapter's folder. */
  readonly dir: string;
}

/** For runs that kept no questions of their own. */
const QUESTIONS = ['Hello, who are you?', 'Write one sentence about the sea.', 'One, two, three,'];
const MOST_QUESTIONS = 4;

export function createExportChecks({ history, jobs }: { history: History; jobs: JobRunner }): ExportCheckService {
  const service: ExportCheckService = {
    async check(id, following) {
      const db = await history.open();
      const found = findExport(db, id);
      if (found === null)
        throw new AppError('export/unknown', 'This export is not in the history', { hint: 'Look again.' });
      if (found.model_dir === null) {
        throw new AppError('export/source-unknown', 'What this export was written from is not known any more', {
          hint: 'Export it anew.',
        });
      }
      const run = found.run_id === null ? null : findRun(db, found.run_id);
      const quantization = run ? (JSON.parse(run.config_json) as RunConfig).quantization : undefined;
      const original = {
        modelDir: found.model_dir,
        adapterDir: found.adapter_dir,
        ...(quantization && { quantization }),
      };
      const certificate = await service.compare({ run, original, dir: found.path }, following);
      setExportCertificate(db, id, certificate);
      return certificate;
    },
    async compare({ run, original, dir }, { signal, onEvent } = {}) {
      const files = await describeFiles(dir);
      const about = { checked_at: Date.now(), files };
      try {
        const written = await openingOf(dir, original);
        const prompts = run === null ? QUESTIONS : await questionsOf(history, run);
        const job = await jobs.start('compare', { original, written, prompts }, { onEvent });
        return { ...about, behaviour: await followDisposable(job, signal), unchecked: null };
      } catch (error) {
        if (error instanceof Interrupted) throw error;
        // What was written stays, and is shown, whatever comes of asking it.
        return { ...about, behaviour: null, unchecked: toPlainError(asAppError(error)) };
      }
    },
  };
  return service;
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('internal/bug', message, { kind: 'environment', cause: error });
}

async function describeFiles(dir: string): Promise<CheckedFile[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => null);
  if (entries === null) {
    throw new AppError('export/gone', `There is no folder ${dir}`, { hint: 'Export it anew, or put it back.' });
  }
  const files: CheckedFile[] = [];
  for (const { name } of entries.filter((entry) => entry.isFile()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    files.push({ name, ...(await describeFile(path.join(dir, name))) });
  }
  return files;
}

/**
 * How the folder is loaded: an adapter on the model as the run kept it; a model as it lies there, computed in the precision that the run
 * was computed in, so that only what was written makes a difference.
 */
async function openingOf(dir: string, { modelDir, quantization }: ModelSource): Promise<ModelSource> {
  if (existsSync(path.join(dir, 'adapter_config.json'))) {
    return { modelDir, adapterDir: dir, ...(quantization && { quantization }) };
  }
  if (quantization?.method === undefined || (await isStoredQuantized(dir))) return { modelDir: dir, adapterDir: null };
  const method: QuantizationConfig['method'] = quantization.method === 'none' ? 'none' : 'bf16';
  return { modelDir: dir, adapterDir: null, quantization: { method } };
}

async function isStoredQuantized(dir: string): Promise<boolean> {
  const text = await readFile(path.join(dir, 'config.json'), 'utf8').catch(() => '{}');
  return text.includes('"quantization_config"');
}

/** What the run was asked while it learned, the latest first. */
async function questionsOf(history: History, run: RunRecord): Promise<readonly string[]> {
  const samples = listSamples(await history.open(), run.id);
  const asked = [...new Set(samples.map(({ prompt }) => prompt).filter((prompt) => prompt.trim() !== ''))];
  return asked.length === 0 ? QUESTIONS : asked.slice(-MOST_QUESTIONS);
}
