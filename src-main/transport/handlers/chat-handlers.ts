/**
 * @file The playground.
 */
import type { MethodArgs } from '../../../src-shared/contract/contract.ts';
import { CONTRACT_ERRORS } from '../../../src-shared/contract/outcome.ts';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { ModelSource } from '../../engine/recipes/contract.ts';
import type { CoreContext, HandlersOf } from '../core-context.ts';

export function chatHandlers({ services, chats, chatRoom, windows, guard }: CoreContext): HandlersOf<'chat'> {
  const sourceOf = async ({ model, tuned }: MethodArgs<'chat:open'>): Promise<ModelSource> => {
    if (tuned !== null) {
      const { run: _run, base, ...source } = await services.library.tuned(tuned.run, tuned.checkpoint);
      return tuned.as_base ? base : source;
    }
    if (model !== null) return { modelDir: await guard.check(model), adapterDir: null };
    throw new AppError(CONTRACT_ERRORS.badArguments, 'chat:open needs a model or a tuned run');
  };
  return {
    'chat:list': () => chats.list(),
    async 'chat:open'(request, window) {
      const source = await sourceOf(request);
      if (request.pause_running) await chatRoom.make();
      if (windows.has(window)) return chats.open(source, window);
      // It went away while the training was saved: nobody would close the model again.
      chatRoom.look();
      throw new AppError(CONTRACT_ERRORS.interrupted, 'The window that wanted this chat is gone');
    },
    async 'chat:makeRoom'() {
      await chatRoom.make();
      chatRoom.look();
      return null;
    },
    'chat:generate'({ chat, input, max_new_tokens, temperature, top_p, seed, stop }) {
      const request = { input, maxNewTokens: max_new_tokens, temperature, topP: top_p, seed, stop };
      return { answer: chats.generate(chat, request) };
    },
    'chat:stop'({ chat, answer }) {
      chats.stop(chat, answer);
      return null;
    },
    async 'chat:close'({ chat }) {
      await chats.close(chat);
      return null;
    },
  };
}
