/**
 * @file Data files: looking through them in a job with limits, and the list of those that were looked through.
 */
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { UploadedFile } from '../../src-shared/contract/socket-channel.ts';
import type { ConvertedFile, DataFileReport, DataReport, RepairedFile } from '../../src-shared/domain/data-report.ts';
import type { DatasetRecord } from '../../src-shared/domain/history.ts';
import type { RunPlan } from '../../src-shared/domain/run-plan.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import type { InspectRequest, RepairRequest } from '../jobs/protocol.ts';
import { deleteDataset, listDatasets, upsertDataset } from '../store/datasets.ts';
import { makePathsAbsolute } from './config-edit.ts';
import { convertToUtf8 } from './convert-encoding.ts';
import type { History } from './history.ts';
import type { JobFollowing } from './inference-service.ts';
import { followJob, type JobRunner } from './job-runner.ts';
import { readMemoryCorrection } from './memory-correction.ts';
import { keepUpload } from './uploads.ts';

export interface DataService {
  /** @throws job/too-large, job/too-slow and what the job throws; faults of the files are part of the report */
  inspect(request: InspectRequest, following?: JobFollowing): Promise<DataReport>;
  /**
   * Copies files into the home without some of their rows.
   * @throws data/not-repairable, data/nothing-left
   */
  repair(request: Omit<RepairRequest, 'outputDir'>, following?: JobFollowing): Promise<readonly RepairedFile[]>;
  /** Copies text files into the home in UTF-8. @throws data/encoding, disk/no-space, disk/full, Interrupted */
  convert(files: readonly string[], following?: ConvertFollowing): Promise<readonly ConvertedFile[]>;
  /**
   * What a run of this configuration would be.
   * @throws everything that a run can be refused for before its first step
   */
  plan(config: RunConfig, following?: JobFollowing): Promise<RunPlan>;
  /**
   * Keeps a file that a browser sends, in the home.
   * @param sizeBytes as announced; more or less is refused
   * @throws upload/bad-name, upload/bad-size, disk/no-space
   */
  keepUpload(name: string, sizeBytes: number, content: Readable): Promise<UploadedFile>;
  /** Latest first. */
  list(): Promise<DatasetRecord[]>;
  remove(id: string): Promise<void>;
}

export interface ConvertFollowing {
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (file: string, fraction: number) => void;
}

/** Rows are not kept, so a file of any honest size stays far below; what unpacks without end does not. */
const LIMITS = { memoryBytes: 3e9, timeMs: 60 * 60_000 };
/** Planning keeps the token ids of all rows, as training does. */
const PLAN_LIMITS = { memoryBytes: 16e9, timeMs: 60 * 60_000 };

export interface DataServiceOptions {
  readonly home: string;
  readonly history: History;
  readonly jobs: JobRunner;
}

export function createDataService({ home, history, jobs }: DataServiceOptions): DataService {
  return {
    async inspect(request, { signal, onEvent } = {}) {
      const job = await jobs.start('inspect', request, { onEvent, limits: LIMITS });
      const report = await followJob(job, signal);
      const db = await history.open();
      for (const file of report.files) if (file.format !== null) upsertDataset(db, describeFile(file));
      return report;
    },
    async repair(request, { signal, onEvent } = {}) {
      const outputDir = path.join(home, 'repaired', crypto.randomUUID());
      const job = await jobs.start('repair', { ...request, outputDir }, { onEvent, limits: LIMITS });
      return followJob(job, signal);
    },
    async convert(files, { signal, onProgress = () => {} } = {}) {
      const converted: ConvertedFile[] = [];
      for (const file of files) {
        const folder = path.join(home, 'repaired', crypto.randomUUID());
        const onFile = (fraction: number) => onProgress(file, (converted.length + fraction) / files.length);
        converted.push(await convertToUtf8(file, folder, { signal, onProgress: onFile }));
      }
      return converted;
    },
    async plan(config, { signal, onEvent } = {}) {
      const absolute = makePathsAbsolute(config, process.cwd());
      const request = { config: absolute, correction: await readMemoryCorrection(history, absolute) };
      return followJob(await jobs.start('plan', request, { onEvent, limits: PLAN_LIMITS }), signal);
    },
    keepUpload: (name, sizeBytes, content) => keepUpload(path.join(home, 'uploads'), name, sizeBytes, content),
    list: async () => listDatasets(await history.open()),
    async remove(id) {
      deleteDataset(await history.open(), id);
    },
  };
}

function describeFile(file: DataFileReport): DatasetRecord {
  return {
    id: crypto.randomUUID(),
    name: path.basename(file.path),
    path: path.resolve(file.path),
    format: file.format ?? 'unknown',
    rows: file.rows,
    faults: file.bad_rows,
    size_bytes: file.size_bytes ?? 0,
    inspected_at: Date.now(),
  };
}
