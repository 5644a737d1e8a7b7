/**
 * @file Format `prompt_completion`: a prompt and its answer, both as texts or both as lists of messages. Optional `system`.
 *
 * Only the completion is trained, also where the prompt is a conversation with earlier answers.
 */
import type { ChatTurn } from '../../tokenizer/chat-template.ts';
import { chatExample } from '../example.ts';
import { checkRoleOrder, MESSAGES_LAYOUT, parseTurns } from './conversation.ts';
import { optionalField, requiredField, type DataFormat } from './data-format.ts';
import { looksLikeList, optionalText, requireList, requireText, type RowView } from './field-values.ts';

export const promptCompletionFormat: DataFormat = {
  name: 'prompt_completion',
  description: 'a prompt and its completion',
  fields: [
    requiredField('prompt', 'question', 'query', 'instruction', 'input', 'article', 'document', 'source'),
    requiredField('completion', 'answer', 'response', 'output', 'reply', 'summary', 'target'),
    optionalField('system', 'system_prompt'),
  ],
  fits: (row) => ['prompt', 'completion'].every((field) => isPresent(row.get(field))),
  read: (row) => {
    const prompt = readSide(row, 'prompt', 'user');
    const completion = readSide(row, 'completion', 'assistant');
    const system = optionalText(row, 'system');
    const opening: ChatTurn[] =
      system === null || prompt[0]?.role === 'system' ? [] : [{ role: 'system', content: system }];
    const messages = [...opening, ...prompt, ...completion];
    checkRoleOrder(row, 'completion', messages);
    return chatExample(messages, opening.length + prompt.length, null);
  },
};

function readSide(row: RowView, field: string, role: string): ChatTurn[] {
  const value = row.get(field);
  const isList = Array.isArray(value) || (looksLikeList(value) && (value as string).includes('"role"'));
  if (isList) return parseTurns(row, field, requireList(row, field), MESSAGES_LAYOUT);
  return [{ role, content: requireText(row, field) }];
}

function isPresent(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || looksLikeList(value);
}
