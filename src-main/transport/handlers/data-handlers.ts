/**
 * @file Data files, models, configurations, folders.
 */
import path from 'node:path';
import { parseRunConfig } from '../../../src-shared/schema/run-config.ts';
import type { CoreContext, Handlers, HandlersOf } from '../core-context.ts';
import { listFolder } from '../list-folder.ts';
import type { MeasureMethod } from './measure-handlers.ts';
import { progressOf } from './progress-of.ts';

type DataMethod = Exclude<
  keyof HandlersOf<'data' | 'models' | 'config' | 'files'>,
  MeasureMethod | 'models:planMove' | 'models:moveFolder'
>;

export function dataHandlers(context: CoreContext): Handlers<DataMethod> {
  const { services, tasks, guard, places, push } = context;
  const { data, models } = services;
  return {
    'data:list': () => data.list(),
    async 'data:inspect'(request) {
      const named = [...request.train, ...request.eval, ...(request.model === null ? [] : [request.model])];
      for (const file of named) await guard.check(file);
      const subject = request.train.map((file) => path.basename(file)).join(', ');
      return tasks.start('inspectData', subject, ({ signal, progress }) =>
        data.inspect(request, { signal, onEvent: progressOf(progress) }),
      );
    },
    async 'data:repair'(request) {
      for (const file of [...request.train, ...request.eval]) await guard.check(file);
      const subject = request.train.map((file) => path.basename(file)).join(', ');
      return tasks.start('repairData', subject, ({ signal, progress }) =>
        data.repair(request, { signal, onEvent: progressOf(progress) }),
      );
    },
    async 'data:convert'({ files }) {
      for (const file of files) await guard.check(file);
      const subject = files.map((file) => path.basename(file)).join(', ');
      return tasks.start('convertData', subject, ({ signal, progress }) =>
        data.convert(files, { signal, onProgress: (file, fraction) => progress(path.basename(file), fraction) }),
      );
    },
    async 'data:remove'({ id }) {
      await data.remove(id);
      return null;
    },

    async 'models:list'() {
      const list = await models.list();
      for (const model of list) guard.allow(model.path);
      return list;
    },
    async 'models:import'({ path: folder, name }) {
      const imported = await models.importFolder(await guard.check(folder), name);
      push('models:changed', { reason: 'imported' });
      return imported;
    },
    async 'models:remove'({ id, keep_files }) {
      const removed = await models.remove(id, { keepFiles: keep_files });
      push('models:changed', { reason: 'removed' });
      return removed;
    },
    'models:describe': async ({ path: folder }) => models.describe(await guard.check(folder)),

    'config:validate': ({ config }) => parseRunConfig(config),
    async 'config:plan'({ config }) {
      const parsed = parseRunConfig(config);
      await guard.checkConfig(parsed);
      const subject = parsed.data.train.map((file) => path.basename(file)).join(', ');
      return tasks.start('planRun', subject, ({ signal, progress }) =>
        data.plan(parsed, { signal, onEvent: progressOf(progress) }),
      );
    },

    'files:listFolder': ({ path: folder }) => listFolder(folder, places),
  };
}
