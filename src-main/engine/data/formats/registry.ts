/**
 * @file All data formats, in the order in which detection prefers them.
 */
import { alpacaFormat } from './alpaca.ts';
import { classificationFormat } from './classification.ts';
import type { DataFormat, FormatName } from './data-format.ts';
import { messagesFormat } from './messages.ts';
import { promptCompletionFormat } from './prompt-completion.ts';
import { sharegptFormat } from './sharegpt.ts';
import { textFormat } from './text.ts';
import { tokensFormat } from './tokens.ts';

export const DATA_FORMATS: readonly DataFormat[] = [
  tokensFormat,
  messagesFormat,
  sharegptFormat,
  promptCompletionFormat,
  alpacaFormat,
  classificationFormat,
  textFormat,
];

export function formatByName(name: FormatName): DataFormat {
  const found = DATA_FORMATS.find((format) => format.name === name);
  if (found === undefined) throw new Error(`internal: unknown data format ${name}`);
  return found;
}
