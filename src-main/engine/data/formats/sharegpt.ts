/**
 * @file Format `sharegpt`: a list of `{from, value}` with speakers human and gpt. Optional `system` and `tools`.
 */
import type { ChatTurn } from '../../tokenizer/chat-template.ts';
import { chatExample } from '../example.ts';
import { checkRoleOrder, parseTurns, SHAREGPT_LAYOUT } from './conversation.ts';
import { optionalField, requiredField, type DataFormat } from './data-format.ts';
import { looksLikeList, optionalList, optionalText, requireList } from './field-values.ts';

export const sharegptFormat: DataFormat = {
  name: 'sharegpt',
  description: 'conversations: a list of {"from", "value"}',
  fields: [
    requiredField('conversations', 'conversation', 'messages', 'chat', 'dialogue', 'dialog'),
    optionalField('system', 'system_prompt'),
    optionalField('tools'),
  ],
  fits: (row) => {
    const value = row.get('conversations');
    if (!looksLikeList(value)) return false;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.includes('"from"') && text.includes('"value"');
  },
  read: (row) => {
    const turns = parseTurns(row, 'conversations', requireList(row, 'conversations'), SHAREGPT_LAYOUT);
    const system = optionalText(row, 'system');
    const opening: ChatTurn[] =
      system === null || turns[0]?.role === 'system' ? [] : [{ role: 'system', content: system }];
    const messages = [...opening, ...turns];
    checkRoleOrder(row, 'conversations', messages);
    return chatExample(messages, 0, optionalList(row, 'tools'));
  },
};
