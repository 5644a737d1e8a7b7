/**
 * @file Entry of a job process for data files, downloads and planning. It loads no device; its parent limits its memory and
 * time where what it reads could be built to take too much.
 */
import { runJobProcess } from './job-process.ts';

runJobProcess({
  inspect: async () => (await import('./inspect-job.ts')).runInspectJob,
  repair: async () => (await import('./repair-job.ts')).runRepairJob,
  download: async () => {
    const { runDownloadJob } = await import('./hub/download-job.ts');
    return (request, { signal, tellDownload }) => runDownloadJob(request, { signal, tell: tellDownload });
  },
  plan: async () => {
    const [{ callRecipe }, { planRun }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/plan-run.ts'),
    ]);
    return callRecipe(planRun);
  },
});
