/**
 * @file Shows an example as the model will see it: pieces of text, trained or not.
 */
import type { RenderedSample, SampleSpan } from '../../../src-shared/domain/data-report.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ClassificationExample, Example } from './example.ts';
import { IGNORED_LABEL, type RowSource, type TokenizedExample } from './types.ts';

/** Longer pieces are cut in the middle. */
const MAX_SPAN_CHARS = 2000;

/** With a tokenizer: the decoded tokens, special ones included. */
/** @param label a classifier's, as it is in the row */
export function renderTokenized(
  tokenizer: Tokenizer,
  tokenized: TokenizedExample,
  label: ClassificationExample['label'] | null = null,
): RenderedSample {
  const { inputIds, labels, decoderIds, source, target } = tokenized;
  const spans = decodeSpans(tokenizer, inputIds, (index) => labels[index] !== IGNORED_LABEL);
  if (decoderIds !== null) spans.push(...decodeSpans(tokenizer, decoderIds, () => true));
  if (target !== null) {
    const told = label ?? target;
    spans.push({ text: ` → ${Array.isArray(told) ? told.join(', ') : String(told)}`, trained: true });
  }
  const supervised = labels.filter((id) => id !== IGNORED_LABEL).length + (decoderIds?.length ?? 0);
  return { ...source, spans: spans.map(shorten), tokens: inputIds.length + (decoderIds?.length ?? 0), supervised };
}

/** Without a tokenizer: the texts of the row. */
export function renderPlainExample(example: Example, source: RowSource): RenderedSample {
  return { ...source, spans: plainSpans(example).map(shorten), tokens: null, supervised: null };
}

/** Runs of equal training; each run's text is what it adds to the text before it, since tokens depend on their neighbours. */
function decodeSpans(tokenizer: Tokenizer, ids: Int32Array, isTrained: (index: number) => boolean): SampleSpan[] {
  const spans: SampleSpan[] = [];
  let shown = 0;
  for (let start = 0; start < ids.length;) {
    let end = start + 1;
    while (end < ids.length && isTrained(end) === isTrained(start)) end++;
    const text = tokenizer.decode(ids.subarray(0, end), { skipSpecialTokens: false });
    spans.push({ text: text.slice(shown), trained: isTrained(start) });
    shown = text.length;
    start = end;
  }
  return spans;
}

function plainSpans(example: Example): SampleSpan[] {
  switch (example.kind) {
    case 'chat':
      return example.messages.map((turn, index) => ({
        text: `${turn.role}: ${turn.content ?? JSON.stringify(turn['tool_calls'])}\n`,
        trained: turn.role === 'assistant' && index >= example.trainFrom && turn['weight'] !== 0,
      }));
    case 'text':
      return [{ text: example.text, trained: true }];
    case 'classification':
      return [
        { text: example.text, trained: false },
        { text: `→ ${String(example.label)}`, trained: true },
      ];
    case 'tokens':
      return [{ text: example.inputIds.slice(0, 200).join(' '), trained: true }];
  }
}

function shorten(span: SampleSpan): SampleSpan {
  if (span.text.length <= MAX_SPAN_CHARS) return span;
  const half = MAX_SPAN_CHARS / 2;
  return { ...span, text: `${span.text.slice(0, half)} … ${span.text.slice(-half)}` };
}

/** What a row says of its class; null where it says nothing of the kind. */
export function labelOf(example: Example): ClassificationExample['label'] | null {
  return example.kind === 'classification' ? example.label : null;
}
