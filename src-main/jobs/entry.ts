/**
 * @file Entry of a job process: which recipe does which job. Core forks it (job-client.ts).
 */
import { runJobProcess } from './job-process.ts';

runJobProcess({
  train: async () => {
    const [{ runTrainJob }, { fineTune }] = await Promise.all([
      import('./train-job.ts'),
      import('../engine/recipes/fine-tune.ts'),
    ]);
    return (request, context) => runTrainJob(fineTune, request, context);
  },
  generate: async () => {
    const [{ runGenerateJob }, { openGenerator }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/open-generator.ts'),
    ]);
    return (request, context) => runGenerateJob(openGenerator, request, context);
  },
  logits: async () => {
    const [{ runLogitsJob }, { computeLogits }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/logits.ts'),
    ]);
    return (request, context) => runLogitsJob(computeLogits, request, context);
  },
  evaluate: async () => {
    const [{ callRecipe }, { evaluate }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/evaluate.ts'),
    ]);
    return callRecipe(evaluate);
  },
  dryRun: async () => {
    const [{ callRecipe }, { measureRun }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/measure-run.ts'),
    ]);
    return callRecipe(measureRun);
  },
  quantizeReport: async () => {
    const [{ callRecipe }, { makeQuantizeReport }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/quantize-report.ts'),
    ]);
    return callRecipe(makeQuantizeReport);
  },
  merge: async () => {
    const [{ callRecipe }, { mergeAdapter }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/merge.ts'),
    ]);
    return callRecipe(mergeAdapter);
  },
  export: async () => {
    const [{ callRecipe }, { exportModel }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/export-model.ts'),
    ]);
    return callRecipe(exportModel);
  },
  compare: async () => {
    const [{ callRecipe }, { compareModels }] = await Promise.all([
      import('./model-jobs.ts'),
      import('../engine/recipes/compare-models.ts'),
    ]);
    return callRecipe(compareModels);
  },
});
