/**
 * @file What the model answers to a few fixed prompts during a run: the person's own, else the first held-out rows.
 */
import type { LoopOptions } from './loop-options.ts';

/** Reports one `sample` each. */
export async function reportSamples({ options, run, session, progress }: LoopOptions): Promise<void> {
  const samples = await run.task.answerSamples({
    program: session.program,
    evaluation: session.steps.evaluate,
    prompts: run.config.training.sample_prompts,
    examples: run.data.eval,
    template: run.config.data.template,
  });
  for (const sample of samples) options.host.report({ event: 'sample', step: progress.step, ...sample });
}
