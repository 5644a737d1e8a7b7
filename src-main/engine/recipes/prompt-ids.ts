/**
 * @file What a model reads of a prompt, tokenized as its training rows are.
 */
import { joinPlainPrompt } from '../data/tokenize-chat.ts';
import { joinSource } from '../data/tokenize-example.ts';
import type { LanguageModel } from '../models/model.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerateRequest } from './contract.ts';

/**
 * A prompt is taken as it is, messages go through the chat template or are put one below the other; an encoder reads them without one.
 * @param template in place of the model's own
 */
export function promptIds(
  { kind }: LanguageModel,
  tokenizer: Tokenizer,
  input: GenerateRequest['input'],
  template: string | null = null,
): Int32Array {
  if ('prompt' in input) return tokenizer.encode(input.prompt, { addSpecialTokens: true });
  const messages = input.messages.map((message) => ({ ...message }));
  if (kind === 'encoder-decoder') return tokenizer.encode(joinSource(messages), { addSpecialTokens: true });
  if (template === null && tokenizer.chatTemplate === null) {
    const body = tokenizer.encode(joinPlainPrompt(messages), { addSpecialTokens: false });
    return Int32Array.from([...tokenizer.specialPrefix, ...body]);
  }
  const text = tokenizer.renderChat(messages, { addGenerationPrompt: true, ...(template !== null && { template }) });
  return tokenizer.encode(text, { addSpecialTokens: false });
}
