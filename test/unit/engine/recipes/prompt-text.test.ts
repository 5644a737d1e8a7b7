import path from 'node:path';
import { expect, it } from 'vitest';
import { promptText } from '../../../../src-main/engine/recipes/prompt-text.ts';
import { loadTokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';

const tokenizer = await loadTokenizer(path.resolve(import.meta.dirname, '../../../../resources/sample-model'));
const show = (text: string) => promptText(tokenizer, tokenizer.encode(text, { addSpecialTokens: false }));

it.each([
  ['one question', [{ role: 'user', content: 'Two blue kettles, please.' }], 'Two blue kettles, please.'],
  [
    'the last question of several',
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello.' },
      { role: 'assistant', content: 'Hello!' },
      { role: 'user', content: 'Line one.\nLine two.' },
    ],
    'Line one.\nLine two.',
  ],
])('shows %s', (_what, messages, expected) => {
  expect(show(tokenizer.renderChat(messages, { addGenerationPrompt: true }))).toBe(expected);
});

it('shows a plain prompt whole', () => {
  expect(show('Once upon a time\nthere was a kettle')).toBe('Once upon a time\nthere was a kettle');
});
