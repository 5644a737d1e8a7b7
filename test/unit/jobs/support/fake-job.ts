/** @file Entry of a job process whose recipes are fakes. */
import { AppError, Interrupted } from '../../../../src-shared/domain/app-error.ts';
import { runJobProcess } from '../../../../src-main/jobs/job-process.ts';
import { runTrainJob } from '../../../../src-main/jobs/train-job.ts';
import { fakeMeasuredRun } from './fake-measured-run.ts';
import { fakeStorages } from './fake-storages.ts';
import { fakeFineTune } from './fake-recipe.ts';

runJobProcess({
  train: async () => (request, context) => runTrainJob(fakeFineTune, request, context),
  generate: async () => async (_request, context) => {
    await context.serve(async ({ input, stop }, { signal, onText }) => {
      if (stop.includes('fail')) throw new AppError('generate/too-long', 'too long');
      const prompt = 'prompt' in input ? input.prompt : '';
      for (let word = 0; word < 1000 && !signal.aborted; word++) {
        onText(`${prompt}${word} `);
        await new Promise((resolve) => setTimeout(resolve, prompt === 'slow' ? 20 : 0));
        if (prompt !== 'slow' && word === 2) break;
      }
      if (prompt === 'interrupt') throw new Interrupted();
      const stop_reason = signal.aborted ? ('interrupted' as const) : ('stop_token' as const);
      return { text: prompt, tokens: 3, prompt_tokens: 1, tokens_per_second: 1, stop_reason };
    });
    return null;
  },
  dryRun:
    async () =>
    async ({ config }) => {
      // As the real one: it does not listen while it computes.
      await new Promise((resolve) => setTimeout(resolve, config.training.save_minutes ?? 0));
      return fakeMeasuredRun(config);
    },
  quantizeReport:
    async () =>
    async ({ maxRows }) =>
      fakeStorages(maxRows),
  evaluate: async () => async (request) => {
    if (request.metrics?.includes('exact_match')) {
      const answers = [1, 2, 3].map((row) => ({
        prompt: `${row}?`,
        expected: `${row}`,
        answer: row === 2 ? 'no' : `${row}`,
        correct: row !== 2,
      }));
      const figures = {
        task_type: 'CAUSAL_LM' as const,
        eval_loss: 1.5,
        perplexity: Math.exp(1.5),
        tokens: 9,
        rows: 3,
      };
      return { ...figures, metrics: { exact_match: 2 / 3 }, answers };
    }
    // Takes memory until it is stopped.
    const held: Buffer[] = [];
    for (;;) {
      held.push(Buffer.alloc(20e6, 1));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  },
});
