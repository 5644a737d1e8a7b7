/**
 * @file Engine, settings, drafts, tasks.
 */
import { runDoctor } from '../../services/doctor.ts';
import type { CoreContext, HandlersOf } from '../core-context.ts';

export function machineHandlers({
  services,
  engine,
  tasks,
  director,
  guard,
  push,
}: CoreContext): HandlersOf<'engine' | 'settings' | 'drafts' | 'tasks'> {
  const { settings, drafts, access } = services;
  return {
    'engine:getStatus': () => engine.status(),
    'engine:runDoctor': async () => runDoctor(await services.weightCache.read()),
    'engine:install': ({ cuda }) =>
      tasks.start('installEngine', cuda ? 'TensorFlow for CUDA 12' : 'TensorFlow', async ({ signal, progress }) => {
        await engine.install({ cuda, signal, onProgress: ({ stage, fraction }) => progress(stage, fraction) });
        return null;
      }),

    'settings:get': () => settings.read(),
    async 'settings:change'(changes) {
      const folders = [changes.models_folder, ...(changes.model_places ?? [])];
      for (const folder of folders) if (typeof folder === 'string') await guard.check(folder);
      const changed = await settings.change(changes);
      push('settings:changed', changed);
      push('hub:accessChanged', await access.view());
      if (changes.queue_runs !== undefined) await director.letQueueRun(changes.queue_runs);
      return changed;
    },

    'drafts:list': () => drafts.list(),
    'drafts:get': ({ id }) => drafts.get(id),
    'drafts:save': ({ id, name, content }) => drafts.save(id, name, content),
    async 'drafts:remove'({ id }) {
      await drafts.remove(id);
      return null;
    },

    'tasks:list': () => tasks.list(),
    'tasks:get': ({ task }) => tasks.get(task),
    'tasks:cancel'({ task }) {
      tasks.cancel(task);
      return null;
    },
  };
}
