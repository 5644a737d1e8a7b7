/**
 * @file What a run leaves behind: the adapter (or the whole model) of its best evaluation, or of its last step.
 */
import type { FileSet, FineTuneOptions } from './contract.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { RunProgress } from './run-progress.ts';
import type { TrainingSession } from './training-session.ts';
import { wholeModelFiles } from './whole-model-files.ts';

export interface FinalFiles {
  readonly files: FileSet;
  /** Where the best evaluation was taken, if that is what the files hold. */
  readonly best: { readonly dir: string; readonly eval_loss: number } | null;
}

export async function finalFiles(
  { checkpoints }: FineTuneOptions,
  run: PreparedRun,
  session: TrainingSession,
  progress: RunProgress,
): Promise<FinalFiles> {
  const { peft, config } = run;
  const loaded = progress.best && config.training.load_best_model_at_end ? await checkpoints.loadBest() : null;
  const best = loaded && progress.best ? { dir: loaded.dir, eval_loss: progress.best.eval_loss } : null;
  const isLast = loaded === null || loaded.step === progress.step;
  const tensors = isLast ? session.tensors() : await peft.restore(loaded.dir);
  const isWhole = config.peft.peft_type === 'NONE';
  return { files: isWhole ? await wholeModelFiles(run, tensors) : await peft.files(tensors), best };
}
