/**
 * @file Format `alpaca`: an instruction, an optional input that it is about, and the output. Optional `system` and `history`.
 *
 * Instruction and input become one user message with an empty line between them; `history` holds earlier [question, answer] pairs.
 */
import type { ChatTurn } from '../../tokenizer/chat-template.ts';
import { chatExample } from '../example.ts';
import { optionalField, requiredField, type DataFormat } from './data-format.ts';
import { fieldFault, optionalList, optionalText, requireText, type RowView } from './field-values.ts';

export const alpacaFormat: DataFormat = {
  name: 'alpaca',
  description: 'an instruction, an optional input, and the output',
  fields: [
    requiredField('instruction'),
    optionalField('input', 'context'),
    requiredField('output', 'response', 'answer', 'completion'),
    optionalField('system', 'system_prompt'),
    optionalField('history'),
  ],
  fits: (row) => ['instruction', 'output'].every((field) => typeof row.get(field) === 'string'),
  read: (row) => {
    const system = optionalText(row, 'system');
    const input = optionalText(row, 'input');
    const instruction = requireText(row, 'instruction');
    const context: ChatTurn[] = [
      ...(system === null ? [] : [{ role: 'system', content: system }]),
      ...readHistory(row),
      { role: 'user', content: input === null ? instruction : `${instruction}\n\n${input}` },
    ];
    const answer = { role: 'assistant', content: requireText(row, 'output') };
    return chatExample([...context, answer], context.length, null);
  },
};

function readHistory(row: RowView): ChatTurn[] {
  return (optionalList(row, 'history') ?? []).flatMap((entry, index) => {
    const pair = Array.isArray(entry) ? (entry as unknown[]) : [];
    const [question, answer] = pair;
    if (pair.length !== 2 || typeof question !== 'string' || typeof answer !== 'string') {
      throw fieldFault(
        row,
        'history',
        'data/wrong-value',
        `entry ${index + 1} is no [question, answer]`,
        'Write pairs of texts.',
      );
    }
    return [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ];
  });
}
