/**
 * @file Exports: written, then checked; a check can be asked for later too.
 */
import path from 'node:path';
import type { MethodArgs } from '../../../src-shared/contract/contract.ts';
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { ExportCertificate } from '../../../src-shared/domain/export-certificate.ts';
import type { JobFollowing } from '../../services/inference-service.ts';
import type { CoreContext, HandlersOf } from '../core-context.ts';
import { progressOf } from './progress-of.ts';

export function exportHandlers(context: CoreContext): HandlersOf<'exports'> {
  const { services, tasks, director } = context;
  return {
    'exports:create': (request) => createExport(context, request),
    'exports:check': ({ export: id, pause_running: pauseRunning }) =>
      tasks.start('checkExport', id, ({ signal, progress }) =>
        director.lend({ pauseRunning, signal }, (wanted) =>
          services.exportChecks.check(id, { signal: wanted, onEvent: progressOf(progress) }),
        ),
      ),
  };
}

async function createExport(context: CoreContext, request: MethodArgs<'exports:create'>) {
  const { services, tasks, guard } = context;
  const { run, modelDir, adapterDir } = await services.library.tuned(request.run, request.checkpoint);
  const outputDir = request.folder === null ? await services.exports.suggestFolder(run, request) : request.folder;
  await guard.check(outputDir);
  return tasks.start('exportModel', `${run.name} → ${path.basename(outputDir)}`, async ({ signal, progress }) => {
    const following = { signal, onEvent: progressOf(progress) };
    const { format, dtype, quantization } = request;
    const about = { run, modelDir, adapterDir, format, dtype, quantization, outputDir };
    const written = await services.exports.write(about, following);
    return { ...written, certificate: await checkAfterwards(context, written.id, following) };
  });
}

/** What was written stays whatever comes of its check; a training at work is not paused for it. */
async function checkAfterwards(
  { services, director }: CoreContext,
  id: string,
  { signal, onEvent }: Required<JobFollowing>,
): Promise<ExportCertificate | null> {
  try {
    return await director.lend({ pauseRunning: false, signal }, (wanted) =>
      services.exportChecks.check(id, { signal: wanted, onEvent }),
    );
  } catch (error) {
    if (error instanceof Interrupted || (error instanceof AppError && error.code === 'device/busy')) return null;
    throw error;
  }
}
