/**
 * @file Follows a training from the terminal: progress, Ctrl-C, the result.
 */
import { Interrupted } from '../../src-shared/domain/app-error.ts';
import type { TrainResult } from '../engine/recipes/contract.ts';
import type { Notice } from '../services/notice.ts';
import type { ActiveRun } from '../services/run-follower.ts';
import type { StartRunOptions } from '../services/run-service.ts';
import type { CommandContext } from './context.ts';
import { formatFigure } from './format.ts';
import { followTraining } from './training-progress.ts';

type Following = Pick<StartRunOptions, 'onEvent' | 'onWait' | 'signal'>;

/** @param start starts or resumes the run */
export async function runTraining(
  context: CommandContext,
  start: (following: Following) => Promise<ActiveRun>,
): Promise<void> {
  const { reporter, signal } = context;
  const progress = followTraining(reporter);
  const onWait = ({ message, code }: Notice) => reporter.note(message, code);
  const run = await start({
    signal,
    onWait,
    onEvent: ({ at: _at, ...event }) => progress.take(event),
  });
  context.onForce(() => run.kill());
  const pause = () => {
    if (!reporter.json) reporter.note('Saving a checkpoint; Ctrl-C again ends at once…');
    run.end('paused');
  };
  signal.addEventListener('abort', pause);
  if (signal.aborted) pause();
  try {
    const result = await run.result;
    progress.stop();
    reporter.result({ run_dir: run.dir, ...result }, describeResult(run, result));
  } catch (error) {
    progress.stop();
    throw error instanceof Interrupted ? await explainInterruption(run, progress.step()) : error;
  }
}

/** A run that never came to its first step has left nothing to go on with. */
async function explainInterruption(run: ActiveRun, step: number): Promise<Interrupted> {
  const { existsSync } = await import('node:fs');
  if (!existsSync(run.dir)) return new Interrupted('Stopped before the first step; nothing was kept.');
  return new Interrupted(`Stopped at step ${step}. Go on with: tunesmith resume ${run.dir}`);
}

function describeResult(run: ActiveRun, result: TrainResult): string {
  const evaluation = result.eval_loss === null ? '' : `, held-out loss ${formatFigure(result.eval_loss)}`;
  const early = result.stopped_early ? ' (stopped early: no further improvement)' : '';
  return [
    `Done after ${result.steps} steps${early}: loss ${formatFigure(result.final_loss)}${evaluation}`,
    `Run:     ${run.dir}`,
    `Result:  ${result.adapter_dir}`,
  ].join('\n');
}
