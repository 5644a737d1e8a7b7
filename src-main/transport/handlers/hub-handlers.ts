/**
 * @file The hub: looking for models, downloads, and the way there.
 */
import type { CoreMethodName } from '../../../src-shared/contract/contract.ts';
import type { CoreContext, Handlers } from '../core-context.ts';

type HubMethod = CoreMethodName & (`hub:${string}` | `downloads:${string}` | 'models:planMove' | 'models:moveFolder');

export function hubHandlers({ services, tasks, guard, push }: CoreContext): Handlers<HubMethod> {
  const { hub, downloads, access, modelsFolder } = services;
  return {
    'hub:search': (request) => hub.search(request),
    'hub:listStarters': () => hub.listStarters(),
    'hub:look': (request) => hub.look(request),
    'hub:getAccess': () => access.view(),
    async 'hub:setToken'({ token, kept }) {
      access.setToken(token, kept);
      const view = await access.view();
      push('hub:accessChanged', view);
      return view;
    },

    'models:planMove': async ({ to }) => modelsFolder.plan(await guard.check(to)),
    async 'models:moveFolder'({ to }) {
      const folder = await guard.check(to);
      return tasks.start('moveModels', folder, async ({ signal, progress }) => {
        const moved = await modelsFolder.move(folder, { signal, onProgress: progress });
        push('models:changed', { reason: 'moved' });
        push('settings:changed', await services.settings.read());
        push('hub:accessChanged', await access.view());
        return moved;
      });
    },

    'downloads:list': () => downloads.list(),
    async 'downloads:start'({ dir, ...request }) {
      const chosen = dir === undefined ? {} : { dir: await guard.check(dir) };
      const started = await downloads.start({ ...request, ...chosen });
      if (!('already' in started)) return { download: started, model: null };
      guard.allow(started.path);
      return { download: null, model: started };
    },
    async 'downloads:pause'({ id }) {
      await downloads.pause(id);
      return null;
    },
    'downloads:resume': ({ id }) => downloads.resume(id),
    async 'downloads:cancel'({ id }) {
      await downloads.cancel(id);
      return null;
    },
  };
}
