/**
 * @file Runs, the queue, exports.
 */
import { z } from 'zod';
import { RUN_STATES } from '../domain/history.ts';
import type {
  ActiveRunState,
  MetricPage,
  QueueView,
  RunComparison,
  RunPage,
  RunPageDetails,
  RunSummary,
  TagCount,
} from '../domain/run-views.ts';
import type { TaskStarted } from '../domain/tasks.ts';
import type { RunConfig } from '../schema/run-config.ts';
import { filePath, id, method, none, objectOf, text } from './method.ts';

export const RUN_SORTS = [
  'created_at',
  'name',
  'state',
  'model_name',
  'method_summary',
  'data_summary',
  'final_loss',
  'best_eval_loss',
  'elapsed_ms',
  'ended_at',
] as const;
export type RunSort = (typeof RUN_SORTS)[number];

const run = z.strictObject({ run: id });
const config = objectOf<RunConfig>();
/** Values are as after `--set`: `training.learning_rate=2e-4`. */
const settings = z.array(z.string().max(10_000)).max(200).default([]);
/** Core does nothing else while it reads a page, so a page is small. */
const USUAL_METRICS = 5_000;
const MAX_METRICS = 20_000;

export const runMethods = {
  'runs:list': method<RunPage>()(
    z.strictObject({
      /** Words that all must occur in name, model, data, method, notes, tags or id. */
      search: z.string().max(300).default(''),
      /** Empty = all. */
      states: z.array(z.enum(RUN_STATES)).default([]),
      /** Runs that have all of them. */
      tags: z.array(z.string()).default([]),
      trash: z.boolean().default(false),
      sort: z.enum(RUN_SORTS).default('created_at'),
      descending: z.boolean().default(true),
      offset: z.int().nonnegative().default(0),
      limit: z.int().positive().max(500).default(50),
    }),
  ),
  'runs:listTags': method<readonly TagCount[]>()(none),
  'runs:get': method<RunPageDetails>()(run),
  'runs:getMetrics': method<MetricPage>()(
    z.strictObject({
      run: id,
      /** Steps beyond this one; -1 = from the first. */
      after_step: z.int().min(-1).default(-1),
      limit: z.int().positive().max(MAX_METRICS).default(USUAL_METRICS),
    }),
  ),
  /** The figures as CSV text. */
  'runs:getMetricsCsv': method<string>()(run),
  'runs:listActive': method<readonly ActiveRunState[]>()(none),

  /** @throws device/busy while another run trains (offer the queue) */
  'runs:start': method<{ readonly run: string }>()(z.strictObject({ config })),
  /** The sample model on the sample data, with settings that take about a minute. @throws sample/missing */
  'runs:startSample': method<{ readonly run: string }>()(none),
  /** Saves a checkpoint and frees the memory; answers when that is done. */
  'runs:pause': method<null>()(run),
  /** As pause, but meant for good; the run can still be resumed. */
  'runs:stop': method<null>()(run),
  /**
   * Goes on from the newest intact checkpoint, or from the one of a step: what came later is kept as a run of its own.
   * @param settings `path=value`, what is to differ from now on
   */
  'runs:resume': method<{ readonly run: string }>()(
    z.strictObject({ run: id, settings, checkpoint: z.int().nonnegative().nullable().default(null) }),
  ),
  'runs:addEpochs': method<{ readonly run: string }>()(
    z.strictObject({ run: id, epochs: z.number().positive().max(1000) }),
  ),

  'runs:rename': method<null>()(z.strictObject({ run: id, name: z.string().trim().min(1).max(200) })),
  'runs:setTags': method<null>()(z.strictObject({ run: id, tags: z.array(z.string().trim().min(1).max(60)).max(50) })),
  'runs:setNotes': method<null>()(z.strictObject({ run: id, notes: text })),
  /** Nothing is deleted yet: the runs are no longer listed. @throws run/locked while one is at work */
  'runs:trash': method<null>()(z.strictObject({ runs: z.array(id).min(1).max(50_000) })),
  'runs:restore': method<null>()(z.strictObject({ runs: z.array(id).min(1).max(50_000) })),
  /** What `runs:delete` would free. */
  'runs:measure': method<{ readonly size_bytes: number }>()(z.strictObject({ runs: z.array(id).min(1).max(50_000) })),
  /** Deletes runs that are in the trash, with their files. */
  'runs:delete': method<null>()(z.strictObject({ runs: z.array(id).min(1).max(50_000) })),
  'runs:compare': method<RunComparison>()(z.strictObject({ runs: z.array(id).min(2).max(6) })),
  /** Reads a run folder that the history does not know. */
  'runs:import': method<RunSummary>()(z.strictObject({ path: filePath })),

  'queue:get': method<QueueView>()(none),
  'queue:add': method<QueueView>()(z.strictObject({ config })),
  'queue:remove': method<QueueView>()(z.strictObject({ item: id })),
  /** @param items ids in the new order; others follow */
  'queue:reorder': method<QueueView>()(z.strictObject({ items: z.array(id).max(1000) })),
  /** Starts nothing more; the run at work goes on. */
  'queue:hold': method<QueueView>()(none),
  'queue:release': method<QueueView>()(none),

  /** Writes a run's result, or one of its checkpoints, as an adapter for PEFT or merged into the model, and checks what was written. */
  'exports:create': method<TaskStarted<'exportModel'>>()(
    z.strictObject({
      run: id,
      /** Step of a checkpoint; null = the finished result. */
      checkpoint: z.int().nonnegative().nullable().default(null),
      format: z.enum(['peft', 'merged', 'bitsandbytes']),
      /** merged only; null = the model's own. */
      dtype: z.enum(['f32', 'f16', 'bf16']).nullable().default(null),
      /** bitsandbytes only: 4 or 8 bits. */
      quantization: z.enum(['nf4', 'int8']).default('nf4'),
      /** New or empty folder; null = one in the home, named after the run. */
      folder: filePath.nullable().default(null),
    }),
  ),
  /** Reads an export back and asks it the same as the run's own weights. @throws (of the task) device/busy, export/… */
  'exports:check': method<TaskStarted<'checkExport'>>()(
    z.strictObject({ export: id, pause_running: z.boolean().default(false) }),
  ),
} as const;
