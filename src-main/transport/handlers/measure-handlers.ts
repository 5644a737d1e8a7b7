/**
 * @file Measuring: what a run takes, what a storage loses, what a model is worth on rows. It wants the device for itself.
 */
import path from 'node:path';
import type { MethodArgs } from '../../../src-shared/contract/contract.ts';
import { CONTRACT_ERRORS } from '../../../src-shared/contract/outcome.ts';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { EvaluationReport } from '../../../src-shared/domain/evaluation.ts';
import { parseRunConfig, type RunConfig } from '../../../src-shared/schema/run-config.ts';
import type { EvaluateResult, ModelSource } from '../../engine/recipes/contract.ts';
import { nameRun } from '../../services/describe-run.ts';
import type { QuantizeReportRequest } from '../../services/quantization-service.ts';
import type { CoreContext, Handlers } from '../core-context.ts';
import { progressOf } from './progress-of.ts';

export type MeasureMethod = 'config:dryRun' | 'config:measureStorages' | 'config:findStorages' | 'models:evaluate';

/** Wrong answers that are handed on; their number is told too. */
const MOST_WRONG = 200;

export function measureHandlers(context: CoreContext): Handlers<MeasureMethod> {
  const { services, tasks, guard, director } = context;
  const checked = async (config: object): Promise<RunConfig> => {
    const parsed = parseRunConfig(config);
    await guard.checkConfig(parsed);
    return parsed;
  };
  return {
    async 'config:dryRun'({ config, pause_running: pauseRunning }) {
      const parsed = await checked(config);
      return tasks.start('dryRun', nameRun(parsed), ({ signal, progress }) =>
        director.lend({ pauseRunning, signal }, (wanted) =>
          services.dryRuns.measure(parsed, { signal: wanted, onEvent: progressOf(progress) }),
        ),
      );
    },
    async 'config:measureStorages'({ config, rows, fresh, pause_running: pauseRunning }) {
      const request = toReportRequest(await checked(config), rows);
      return tasks.start('measureStorages', path.basename(request.modelDir), ({ signal, progress }) =>
        director.lend({ pauseRunning, signal }, (wanted) =>
          services.quantization.report(request, { signal: wanted, onEvent: progressOf(progress), fresh }),
        ),
      );
    },
    'config:findStorages': async ({ config, rows }) =>
      services.quantization.find(toReportRequest(await checked(config), rows)),
    'models:evaluate': (request) => startEvaluation(context, request),
  };
}

function toReportRequest({ model, data }: RunConfig, maxRows: number): QuantizeReportRequest {
  return {
    modelDir: path.resolve(model.path),
    data: {
      paths: data.train.map((file) => path.resolve(file)),
      format: data.format ?? 'auto',
      columns: data.columns ?? {},
      template: data.template ?? null,
      max_length: data.max_length ?? null,
      completion_only_loss: data.completion_only_loss ?? true,
    },
    maxRows,
  };
}

async function startEvaluation(context: CoreContext, request: MethodArgs<'models:evaluate'>) {
  const { services, tasks, guard, director } = context;
  for (const file of request.files) await guard.check(file);
  const sources = await findSources(context, request);
  const { files: paths, format, columns, max_length, exact_match, max_new_tokens, pause_running } = request;
  const options = {
    data: { paths, format, columns, template: null, max_length, completion_only_loss: true },
    metrics: exact_match ? (['exact_match'] as const) : [],
    batchSize: null,
    maxNewTokens: max_new_tokens,
  };
  const subject = `${path.basename(sources[0]!.modelDir)}, ${paths.map((file) => path.basename(file)).join(', ')}`;
  return tasks.start('evaluateModel', subject, ({ signal, progress }) =>
    director.lend({ pauseRunning: pause_running, signal }, async (wanted) => {
      const reports: EvaluationReport[] = [];
      for (const one of sources) {
        const onEvent = progressOf((phase, fraction) =>
          progress(phase, fraction === null ? null : (reports.length + fraction) / sources.length),
        );
        reports.push(summarize(await services.inference.evaluate({ ...options, ...one }, { signal: wanted, onEvent })));
      }
      return { report: reports[0]!, base: reports[1] ?? null };
    }),
  );
}

/** @returns the subject, and where it is wanted its base. @throws contract/bad-arguments, run/unknown, path/refused */
async function findSources(
  { services, guard }: CoreContext,
  { model, tuned, with_base }: MethodArgs<'models:evaluate'>,
): Promise<readonly ModelSource[]> {
  if (tuned !== null) {
    const { run: _run, base, ...source } = await services.library.tuned(tuned.run, tuned.checkpoint);
    return with_base ? [source, base] : [source];
  }
  if (model !== null) return [{ modelDir: await guard.check(model), adapterDir: null }];
  throw new AppError(CONTRACT_ERRORS.badArguments, 'models:evaluate needs a model or a tuned run');
}

function summarize({ answers, ...figures }: EvaluateResult): EvaluationReport {
  const wrong = answers.filter(({ correct }) => !correct);
  return {
    ...figures,
    answered: answers.length,
    wrong_count: wrong.length,
    wrong: wrong.slice(0, MOST_WRONG).map(({ prompt, expected, answer }) => ({ prompt, expected, answer })),
  };
}
