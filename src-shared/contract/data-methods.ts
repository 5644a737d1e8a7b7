/**
 * @file Data files, models, configurations, folders.
 */
import { z } from 'zod';
import { LEAVE_OUT } from '../domain/data-report.ts';
import type { DatasetRecord, ModelRecord } from '../domain/history.ts';
import type { RemovedModel } from '../domain/hub.ts';
import type { ListedModel, ModelDetails } from '../domain/models.ts';
import type { KeptReport } from '../domain/quantize-report.ts';
import type { TaskStarted } from '../domain/tasks.ts';
import { DATA_FORMATS, PROBLEM_TYPES, type RunConfig, TASK_TYPES } from '../schema/run-config.ts';
import { filePath, id, method, none, objectOf, pauseRunning } from './method.ts';

/** One entry of a folder, for the picker of browser mode. */
export interface FolderEntry {
  readonly name: string;
  readonly path: string;
  readonly is_folder: boolean;
  readonly size_bytes: number | null;
}

export interface FolderListing {
  /** null for the list of places where looking around is allowed. */
  readonly path: string | null;
  /** null at such a place. */
  readonly parent: string | null;
  /** Folders first, then by name. */
  readonly entries: readonly FolderEntry[];
}

/** Rows that storages are measured on. */
const measuredRows = z.int().positive().max(10_000).default(64);

export const dataMethods = {
  /** Latest first. */
  'data:list': method<readonly DatasetRecord[]>()(none),
  /**
   * Looks through files in a job of its own, with limits on memory and time. Rows to show (`samples`) have their trained parts
   * marked; exactly, token by token, where a model is given. Fields are named as in `data` of a run's configuration.
   */
  'data:inspect': method<TaskStarted<'inspectData'>>()(
    z.strictObject({
      train: z.array(filePath).min(1).max(100),
      eval: z.array(filePath).max(100).default([]),
      format: z.enum(DATA_FORMATS).default('auto'),
      columns: z.record(z.string(), z.string()).default({}),
      template: z.string().nullable().default(null),
      max_length: z.int().positive().nullable().default(null),
      completion_only_loss: z.boolean().default(true),
      task_type: z.enum(TASK_TYPES).nullable().default(null),
      problem_type: z.enum(PROBLEM_TYPES).nullable().default(null),
      labels: z.array(z.string()).nullable().default(null),
      /** Folder of the model whose tokenizer counts; null = no tokens are counted. */
      model: filePath.nullable().default(null),
    }),
  ),
  /**
   * Copies files into the home without bad rows, repetitions, or evaluation rows that are trained too. The files themselves stay as
   * they are: to undo, use them again. @throws (of the task) data/not-repairable, data/nothing-left
   */
  'data:repair': method<TaskStarted<'repairData'>>()(
    z.strictObject({
      train: z.array(filePath).min(1).max(100),
      eval: z.array(filePath).max(100).default([]),
      format: z.enum(DATA_FORMATS).default('auto'),
      columns: z.record(z.string(), z.string()).default({}),
      task_type: z.enum(TASK_TYPES).nullable().default(null),
      leave_out: z.array(z.enum(LEAVE_OUT)).min(1),
    }),
  ),
  /** Copies text files into the home in UTF-8. The files themselves stay. @throws (of the task) data/encoding, disk/no-space */
  'data:convert': method<TaskStarted<'convertData'>>()(z.strictObject({ files: z.array(filePath).min(1).max(100) })),
  /** Takes it off the list; the file stays. */
  'data:remove': method<null>()(z.strictObject({ id })),

  /** The sample first, then by name: imported, downloaded, and found on this machine (`source` tells). */
  'models:list': method<readonly ListedModel[]>()(none),
  'models:import': method<ModelRecord>()(
    z.strictObject({ path: filePath, name: z.string().min(1).max(200).optional() }),
  ),
  /** Takes it off the list; of a download the files are deleted too. @throws model/found-elsewhere, model/in-use */
  'models:remove': method<RemovedModel>()(z.strictObject({ id, keep_files: z.boolean().default(false) })),
  'models:describe': method<ModelDetails>()(z.strictObject({ path: filePath })),

  /**
   * Loss and perplexity of a model, or of what a run made of it, on files; with `exact_match` an answer to every row beside the wanted one.
   * Ends, as `config:dryRun`, when a run is started. @throws (of the task) device/busy while a run trains, faults of the files
   */
  'models:evaluate': method<TaskStarted<'evaluateModel'>>()(
    z.strictObject({
      /** Folder of a model; with `tuned` the run says which. */
      model: filePath.nullable().default(null),
      /** Run whose result, or one of whose checkpoints, is put on the model; null = the model as it is. */
      tuned: z
        .strictObject({ run: id, checkpoint: z.int().nonnegative().nullable().default(null) })
        .nullable()
        .default(null),
      /** Measure the model as it is beside the tuned one. */
      with_base: z.boolean().default(false),
      files: z.array(filePath).min(1).max(100),
      format: z.enum(DATA_FORMATS).default('auto'),
      columns: z.record(z.string(), z.string()).default({}),
      /** Longest row in tokens; null = what the model reads. */
      max_length: z.int().positive().nullable().default(null),
      exact_match: z.boolean().default(false),
      /** Longest answer. */
      max_new_tokens: z.int().positive().max(100_000).default(128),
      pause_running: pauseRunning,
    }),
  ),

  /** Checks what a person wrote. Gives it back in full form; @throws config/invalid with every fault and its path */
  'config:validate': method<RunConfig>()(z.strictObject({ config: objectOf<object>() })),

  /**
   * What a run of this configuration would be: every gap filled, steps, tokens, memory. Reads and tokenizes the data, without a device.
   * @throws (of the task) everything that a run can be refused for before its first step
   */
  'config:plan': method<TaskStarted<'planRun'>>()(z.strictObject({ config: objectOf<RunConfig>() })),

  /**
   * What such a run takes, measured by a few steps over the longest rows and over usual ones; nothing is written. It ends, as cancelled,
   * when a run is started. @throws (of the task) device/busy while a run trains, memory/exhausted, and as `config:plan`
   */
  'config:dryRun': method<TaskStarted<'dryRun'>>()(
    z.strictObject({ config: objectOf<RunConfig>(), pause_running: pauseRunning }),
  ),

  /**
   * What each way to store the weights costs and loses on rows of the configuration's data, spread over its files. Kept: the same
   * model and rows are measured once. Ends, as `config:dryRun`, when a run is started.
   */
  'config:measureStorages': method<TaskStarted<'measureStorages'>>()(
    z.strictObject({
      config: objectOf<RunConfig>(),
      rows: measuredRows,
      /** Also where it was measured before. */
      fresh: z.boolean().default(false),
      pause_running: pauseRunning,
    }),
  ),
  /** What was measured for this model and these rows before; null = nothing. Reads the files, measures nothing. */
  'config:findStorages': method<KeptReport | null>()(
    z.strictObject({ config: objectOf<RunConfig>(), rows: measuredRows }),
  ),

  /** The places of browser mode: the home, and the folders given at start. @param path null = the places */
  'files:listFolder': method<FolderListing>()(z.strictObject({ path: filePath.nullable() })),
} as const;
