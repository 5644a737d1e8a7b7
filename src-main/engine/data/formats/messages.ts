/**
 * @file Format `messages`: a list of `{role, content}`, as chat models and their APIs use it. Optional `tools`.
 */
import { chatExample } from '../example.ts';
import { checkRoleOrder, MESSAGES_LAYOUT, parseTurns } from './conversation.ts';
import { optionalField, requiredField, type DataFormat } from './data-format.ts';
import { looksLikeList, optionalList, requireList } from './field-values.ts';

export const messagesFormat: DataFormat = {
  name: 'messages',
  description: 'conversations: a list of {"role", "content"}',
  fields: [
    requiredField('messages', 'conversations', 'conversation', 'chat', 'dialogue', 'dialog'),
    optionalField('tools'),
  ],
  fits: (row) => {
    const value = row.get('messages');
    if (!looksLikeList(value)) return false;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.includes('"role"');
  },
  read: (row) => {
    const messages = parseTurns(row, 'messages', requireList(row, 'messages'), MESSAGES_LAYOUT);
    checkRoleOrder(row, 'messages', messages);
    return chatExample(messages, 0, optionalList(row, 'tools'));
  },
};
