/**
 * @file One example to token ids and labels, for each kind of run.
 *
 * Language models: conversations train their answers (or all tokens), text trains everything, a stop token at the end included.
 * Classifiers: the text with the tokenizer's own special tokens, and the class as target. Masked language models: the same, with some words
 * hidden. Encoder-decoders: the conversation before the last answer for the encoder, the answer and a stop token for the decoder; each is
 * cut to `maxLength` by itself.
 */
import type { ChatTurn } from '../tokenizer/chat-template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatRenderer } from './chat-renderer.ts';
import type { ClassLabels } from './class-labels.ts';
import {
  chatExample,
  exampleText,
  type ChatExample,
  type ClassificationExample,
  type Example,
  type TokensExample,
} from './example.ts';
import { RowFault } from './faults.ts';
import { requireAsMany, requireKnown } from './known-tokens.ts';
import { surround } from './surround-text.ts';
import { joinPlainPrompt, tokenizePlain, tokenizeWithTemplate, type MaskedIds } from './tokenize-chat.ts';
import { tokenizeMasked } from './tokenize-masked.ts';
import { IGNORED_LABEL, type DataTask, type RowSource, type TokenizeResult } from './types.ts';

export interface TokenizeContext {
  readonly tokenizer: Tokenizer;
  /** null = no chat template. */
  readonly renderer: ChatRenderer | null;
  readonly taskType: DataTask;
  readonly maxLength: number;
  readonly completionOnlyLoss: boolean;
  /** Ids at or above are refused in rows of format `tokens`. */
  readonly vocabSize: number;
  /** Classifiers only. */
  readonly labels: ClassLabels | null;
  /** Says which words are masked. */
  readonly seed: number;
}

const PLAIN = { addSpecialTokens: false };

/** @throws RowFault where this row cannot be used */
export function tokenizeExample(example: Example, source: RowSource, context: TokenizeContext): TokenizeResult {
  refuseEndlessText(example);
  switch (context.taskType) {
    case 'CAUSAL_LM':
      return tokenizeCausal(example, source, context);
    case 'SEQ_CLS':
      return tokenizeClassification(example, source, context);
    case 'SEQ_2_SEQ_LM':
      return tokenizeSeq2Seq(example, source, context);
    case 'MASKED_LM':
      return tokenizeMasked(example, source, context);
  }
}

/** Tokenizing takes some fifty bytes of memory a character, and no model reads so much at once. */
const MAX_TEXT_CHARS = 2_000_000;

function refuseEndlessText(example: Example): void {
  if (example.kind === 'tokens') return;
  const chars = exampleText(example).length;
  if (chars <= MAX_TEXT_CHARS) return;
  throw new RowFault(
    'data/row-too-long',
    `the row has ${chars} characters, more than the ${MAX_TEXT_CHARS} that one row may have`,
    {
      hint: 'Split it into several rows.',
    },
  );
}

function tokenizeCausal(example: Example, source: RowSource, context: TokenizeContext): TokenizeResult {
  if (example.kind === 'tokens') return finish(checkTokens(example, context), source, context.maxLength);
  if (example.kind === 'text') return finish(tokenizeText(example.text, context), source, context.maxLength);
  const chat = example.kind === 'chat' ? example : asConversation(example);
  const { tokenizer, renderer, completionOnlyLoss } = context;
  // Without answers to find, no template can put them where they cannot be told apart.
  const wanted = completionOnlyLoss ? chat : { ...chat, trainFrom: chat.messages.length };
  const masked =
    renderer === null ? tokenizePlain(tokenizer, wanted) : tokenizeWithTemplate(tokenizer, renderer, wanted);
  const labelled = completionOnlyLoss ? masked : { ids: masked.ids, isAnswer: masked.ids.map(() => true) };
  return finish(labelled, source, context.maxLength);
}

/** A class written out as the answer, for language models. */
function asConversation({ text, label }: ClassificationExample): ChatExample {
  const answer = Array.isArray(label) ? label.join(', ') : String(label);
  const messages = [
    { role: 'user', content: text },
    { role: 'assistant', content: answer },
  ];
  return chatExample(messages, 1, null);
}

function tokenizeText(text: string, { tokenizer }: TokenizeContext): MaskedIds {
  const { specialPrefix, eosTokenId } = tokenizer;
  const ids = [...specialPrefix, ...tokenizer.encode(text, PLAIN)];
  if (eosTokenId !== null && ids.at(-1) !== eosTokenId) ids.push(eosTokenId);
  return { ids, isAnswer: ids.map(() => true) };
}

function checkTokens({ inputIds, labels }: TokensExample, { vocabSize }: TokenizeContext): MaskedIds {
  requireKnown('input_ids', inputIds, vocabSize);
  requireAsMany(inputIds, labels);
  const isAnswer = inputIds.map((id, index) => {
    const label = labels === null ? id : labels[index]!;
    if (label === IGNORED_LABEL || label === id) return label === id;
    throw new RowFault(
      'data/wrong-value',
      `label ${label} at position ${index + 1} is neither ${IGNORED_LABEL} nor the token id there (${id})`,
      { field: 'labels', hint: 'Labels are not shifted: each is its own token id, or -100 where it is not trained.' },
    );
  });
  return { ids: inputIds, isAnswer };
}

/** Cuts, counts and packs a language model's example. */
function finish(masked: MaskedIds, source: RowSource, maxLength: number): TokenizeResult {
  const { ids, isAnswer } = masked;
  const isTrained = (index: number): boolean => index > 0 && isAnswer[index] === true;
  const inputIds = Int32Array.from(ids.slice(0, maxLength));
  const labels = inputIds.map((id, index) => (isTrained(index) ? id : IGNORED_LABEL));
  let all = 0;
  for (let index = 1; index < ids.length; index++) if (isAnswer[index]) all++;
  const supervised = labels.reduce((count, label) => count + (label === IGNORED_LABEL ? 0 : 1), 0);
  const tokenized = { inputIds, labels, target: null, decoderIds: null, source };
  return { tokenized, allTokens: ids.length, fullLength: ids.length, supervised, supervisedCut: all - supervised };
}

function tokenizeClassification(example: Example, source: RowSource, context: TokenizeContext): TokenizeResult {
  if (example.kind !== 'classification' || context.labels === null) {
    throw new RowFault('data/wrong-format', 'a classifier needs rows of format classification (text and label)', {
      hint: 'Set data.format to classification and name the columns in data.columns.',
    });
  }
  const target = context.labels.targetOf(example.label);
  const { ids, fullLength } = surround(example.text, context);
  const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
  return {
    tokenized: { inputIds: ids, labels, target, decoderIds: null, source },
    allTokens: fullLength,
    fullLength,
    supervised: 1,
    supervisedCut: 0,
  };
}

function tokenizeSeq2Seq(example: Example, source: RowSource, context: TokenizeContext): TokenizeResult {
  if (example.kind === 'tokens') return finishPair(checkPair(example, context), source, context);
  const chat = example.kind === 'classification' ? asConversation(example) : example;
  if (chat.kind !== 'chat') {
    throw new RowFault('data/wrong-format', 'an encoder-decoder needs a prompt and its answer in each row', {
      hint: 'Set data.format to prompt_completion, or task_type to CAUSAL_LM.',
    });
  }
  const { tokenizer } = context;
  const answer = chat.messages.at(-1)!;
  if (answer.content === null) {
    throw new RowFault('data/wrong-format', 'the last answer is a function call, which is no text to write', {
      hint: 'Write the answer as a text or remove the row.',
    });
  }
  const input = surround(joinSource(chat.messages.slice(0, -1)), context);
  const stop = tokenizer.eosTokenId === null ? [] : [tokenizer.eosTokenId];
  const answerIds = answer['weight'] === 0 ? [] : [...tokenizer.encode(answer.content, PLAIN), ...stop];
  return finishPair({ ...input, answerIds }, source, context);
}

interface Pair {
  /** Cut to `maxLength`. */
  readonly ids: Int32Array;
  /** Before that. */
  readonly fullLength: number;
  readonly answerIds: readonly number[];
}

/** Rows of ids: the labels are the answer, padded with -100 perhaps. */
function checkPair({ inputIds, labels }: TokensExample, { vocabSize, maxLength }: TokenizeContext): Pair {
  requireKnown('input_ids', inputIds, vocabSize);
  const answerIds = labels?.slice(0, labels.findLastIndex((label) => label !== IGNORED_LABEL) + 1) ?? [];
  if (answerIds.length === 0) {
    throw new RowFault('data/wrong-value', 'there are no labels, so there is no answer to learn', {
      field: 'labels',
      hint: 'An encoder-decoder reads input_ids and learns to write labels: give the ids of the answer there.',
    });
  }
  requireKnown('labels', answerIds, vocabSize);
  return { ids: Int32Array.from(inputIds.slice(0, maxLength)), fullLength: inputIds.length, answerIds };
}

/** Source and answer are cut to `maxLength` each. */
function finishPair(
  { ids, fullLength, answerIds }: Pair,
  source: RowSource,
  { maxLength }: TokenizeContext,
): TokenizeResult {
  const decoderIds = Int32Array.from(answerIds.slice(0, maxLength));
  const labels = new Int32Array(ids.length).fill(IGNORED_LABEL);
  return {
    tokenized: { inputIds: ids, labels, target: null, decoderIds, source },
    allTokens: fullLength + answerIds.length,
    fullLength: Math.max(fullLength, answerIds.length),
    supervised: decoderIds.length,
    supervisedCut: answerIds.length - decoderIds.length,
  };
}

/** What an encoder reads: one message as it is, several one below the other. */
export function joinSource(messages: readonly ChatTurn[]): string {
  return messages.length === 1 ? (messages[0]!.content ?? '') : joinPlainPrompt(messages).trimEnd();
}
