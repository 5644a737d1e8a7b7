/**
 * @file Notices about the tokens of a whole data set.
 */
import type { TokenReport } from '../../../src-shared/domain/data-report.ts';
import { makeNotice } from '../../../src-shared/domain/notices.ts';
import type { NoticeList } from './faults.ts';
import type { TokenizeContext } from './tokenize-example.ts';

/** Says where a model will not learn to stop, or stops with a token that generation does not know. */
export function noticeStopTokens(notices: NoticeList, context: TokenizeContext, tokens: TokenReport | null): void {
  const { renderer, tokenizer, taskType } = context;
  if (taskType !== 'CAUSAL_LM' || tokens === null || tokens.supervised === 0) return;
  if (tokens.rows_with_stop_token === 0) {
    const message = 'no row ends with a stop token that is trained, so the model may not learn to stop';
    notices.tell(makeNotice('data/no-stop-token', {}, message));
  }
  if (renderer === null) return;
  if (renderer.turnEnd === null) {
    const message = `${renderer.name} ends answers with no special token; the stop token is added after the last answer`;
    notices.tell(makeNotice('data/stop-token-added', { template: renderer.name }, message));
    return;
  }
  const id = tokenizer.tokenToId(renderer.turnEnd);
  if (id !== null && !tokenizer.eosTokenIds.includes(id)) {
    const message = `${renderer.name} ends answers with ${renderer.turnEnd}, which is not among the model's stop tokens; generation here stops at it too`;
    const facts = { template: renderer.name, token: renderer.turnEnd };
    notices.tell(makeNotice('data/turn-end-is-no-stop-token', facts, message));
  }
}
