/**
 * @file Entry of a job process for data files and for planning. It loads no device; its parent limits its memory and time.
 */
import { runJobProcess } from './job-process.ts';

runJobProcess({
  inspect: async () => (await import('./inspect-job.ts')).runInspectJob,
  repair: async () => (await import('./repair-job.ts')).runRepairJob,
  plan: async () => {
    const [{ callRecipe }, { planRun }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/plan-run.ts'),
    ]);
    return callRecipe(planRun);
  },
});
