/**
 * @file The playground.
 */
import { CONTRACT_ERRORS } from '../../../src-shared/contract/outcome.ts';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { CoreContext, HandlersOf } from '../core-context.ts';

export function chatHandlers({ services, chats, guard }: CoreContext): HandlersOf<'chat'> {
  return {
    'chat:list': () => chats.list(),
    async 'chat:open'({ model, tuned }) {
      if (tuned !== null) {
        const { run: _run, base, ...source } = await services.library.tuned(tuned.run, tuned.checkpoint);
        return chats.open(tuned.as_base ? base : source);
      }
      if (model !== null) return chats.open({ modelDir: await guard.check(model), adapterDir: null });
      throw new AppError(CONTRACT_ERRORS.badArguments, 'chat:open needs a model or a tuned run');
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
