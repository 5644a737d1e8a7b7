/**
 * @file The job that looks through data files: for the data doctor, and to show rows as the model will see them.
 */
import type { DataReport } from '../../src-shared/domain/data-report.ts';
import { inspectData } from '../engine/data/inspect.ts';
import { openModelFolder } from '../engine/formats/model-folder.ts';
import { ENCODER_DECODER_TYPES, ENCODER_TYPES } from '../engine/models/registry.ts';
import { loadTokenizer } from '../engine/tokenizer/tokenizer.ts';
import { type JobContext, stampEvent } from './job-process.ts';
import type { InspectRequest } from './protocol.ts';
import type { TaskType } from '../../src-shared/schema/run-config.ts';

/** @throws tokenizer/…, chat-template/syntax, Interrupted; faults of the files are part of the report */
export async function runInspectJob(request: InspectRequest, context: JobContext): Promise<DataReport> {
  const tell = (phase: string) => context.send(stampEvent({ event: 'progress', phase, fraction: null }));
  const { model, max_length, task_type, problem_type = null, completion_only_loss, ...rest } = request;
  if (model !== null) tell('Loading the tokenizer');
  const tokenizer = model === null ? null : await loadTokenizer(model);
  tell('Reading rows');
  return inspectData({
    ...rest,
    taskType: task_type ?? (model === null ? null : await usualTask(model)),
    problemType: problem_type,
    completionOnlyLoss: completion_only_loss,
    tokenizer,
    ...(max_length !== null && { maxLength: max_length }),
    signal: context.signal,
    onProgress: (rows) => tell(`${rows.toLocaleString('en')} rows read`),
  });
}

/** What rows are for with this model, where that is never in doubt; null = the rows say. */
async function usualTask(modelDir: string): Promise<TaskType | null> {
  const folder = await openModelFolder(modelDir);
  await folder.close();
  const type = String(folder.config['model_type']);
  if (ENCODER_TYPES.includes(type)) return 'SEQ_CLS';
  return ENCODER_DECODER_TYPES.includes(type) ? 'SEQ_2_SEQ_LM' : null;
}
