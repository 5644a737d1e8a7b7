/**
 * @file The job that looks through data files: for the data doctor, and to show rows as the model will see them.
 */
import type { DataReport } from '../../src-shared/domain/data-report.ts';
import { inspectData } from '../engine/data/inspect.ts';
import { openModelFolder } from '../engine/formats/model-folder.ts';
import { ENCODER_DECODER_TYPES, ENCODER_TYPES } from '../engine/models/registry.ts';
import { loadTokenizer, type Tokenizer } from '../engine/tokenizer/tokenizer.ts';
import { keepWithinModel } from '../engine/tokenizer/within-model.ts';
import { type JobContext, stampEvent } from './job-process.ts';
import type { InspectRequest } from './protocol.ts';
import type { TaskType } from '../../src-shared/schema/run-config.ts';

/** @throws tokenizer/…, chat-template/syntax, Interrupted; faults of the files are part of the report */
export async function runInspectJob(request: InspectRequest, context: JobContext): Promise<DataReport> {
  const tell = (phase: string) => context.send(stampEvent({ event: 'progress', phase, fraction: null }));
  const { model, max_length, task_type, problem_type = null, completion_only_loss, ...rest } = request;
  if (model !== null) tell('Loading the tokenizer');
  const reader = model === null ? null : await openReader(model);
  tell('Reading rows');
  return inspectData({
    ...rest,
    taskType: task_type ?? reader?.usualTask ?? null,
    problemType: problem_type,
    completionOnlyLoss: completion_only_loss,
    tokenizer: reader?.tokenizer ?? null,
    ...(max_length !== null && { maxLength: max_length }),
    signal: context.signal,
    onProgress: (rows) => tell(`${rows.toLocaleString('en')} rows read`),
  });
}

interface Reader {
  readonly tokenizer: Tokenizer;
  /** What rows are for with this model, where that is never in doubt; null = the rows say. */
  readonly usualTask: TaskType | null;
}

/** What is to be known of the model that reads the rows. */
async function openReader(modelDir: string): Promise<Reader> {
  const own = await loadTokenizer(modelDir);
  const folder = await openModelFolder(modelDir);
  await folder.close();
  const { model_type: type, vocab_size: rows } = folder.config;
  const tokenizer = typeof rows === 'number' ? keepWithinModel(own, rows) : own;
  return { tokenizer, usualTask: usualTaskOf(String(type)) };
}

function usualTaskOf(type: string): TaskType | null {
  if (ENCODER_TYPES.includes(type)) return 'SEQ_CLS';
  return ENCODER_DECODER_TYPES.includes(type) ? 'SEQ_2_SEQ_LM' : null;
}
