/**
 * @file The hub: looking for models, downloads, and the way there.
 */
import type { CoreContext, HandlersOf } from '../core-context.ts';

export function hubHandlers({ services, guard, push }: CoreContext): HandlersOf<'hub' | 'downloads'> {
  const { hub, downloads, access } = services;
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
