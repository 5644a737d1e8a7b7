import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChatRenderer } from '../../../../src-main/engine/data/chat-renderer.ts';
import { createClassLabels } from '../../../../src-main/engine/data/class-labels.ts';
import { chatExample, type Example } from '../../../../src-main/engine/data/example.ts';
import { tokenizeExample, type TokenizeContext } from '../../../../src-main/engine/data/tokenize-example.ts';
import type { TokenizeResult } from '../../../../src-main/engine/data/types.ts';
import { loadTokenizer, type Tokenizer } from '../../../../src-main/engine/tokenizer/tokenizer.ts';
import { CHAT_TEMPLATE, wordPieceTokenizer, writeTokenizerFolder } from '../tokenizer/fixtures.ts';
import { makeWorkplace, type Workplace } from './files.ts';

let place: Workplace;
let tokenizer: Tokenizer;
beforeAll(async () => {
  place = await makeWorkplace();
  tokenizer = await loadTokenizer(await writeTokenizerFolder(place.dir));
});
afterAll(() => place.remove());

const SOURCE = { file: 'x.jsonl', line: 1 };
const turn = (role: string, content: string) => ({ role, content });
const ONE_TURN = chatExample([turn('user', 'hello'), turn('assistant', 'world')], 0, null);
const TWO_TURNS = chatExample(
  [
    turn('system', 'be ok'),
    turn('user', 'hello'),
    turn('assistant', 'one'),
    turn('user', 'and'),
    turn('assistant', 'two'),
  ],
  0,
  null,
);

function contextWith(template: string | null, rest: Partial<TokenizeContext> = {}): TokenizeContext {
  const renderer = createChatRenderer({ tokenizer, template, now: new Date(0) });
  const { vocabSize } = tokenizer;
  return {
    tokenizer,
    renderer,
    taskType: 'CAUSAL_LM',
    maxLength: 1000,
    completionOnlyLoss: true,
    vocabSize,
    labels: null,
    seed: 0,
    ...rest,
  };
}

const plainContext = (rest: Partial<TokenizeContext> = {}): TokenizeContext => ({
  ...contextWith(CHAT_TEMPLATE, rest),
  renderer: null,
});

/** Text of the whole and of the trained tokens, joined runs of trained tokens separated by a bar. */
function show({ tokenized }: TokenizeResult): { all: string; trained: string } {
  const text = (ids: ArrayLike<number>): string => tokenizer.decode(ids, { skipSpecialTokens: false });
  const runs: number[][] = [];
  tokenized.labels.forEach((label, index) => {
    if (label < 0) return;
    if (index > 0 && tokenized.labels[index - 1]! >= 0) runs.at(-1)!.push(label);
    else runs.push([label]);
  });
  return { all: text(tokenized.inputIds), trained: runs.map(text).join('|') };
}

const trainedWith = (template: string, example: Example): string =>
  show(tokenizeExample(example, SOURCE, contextWith(template))).trained;

const LLAMA_2 =
  "{% for m in messages %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + m.content + ' [/INST]' }}{% elif m.role == 'assistant' %}{{ ' ' + m.content + ' ' + eos_token }}{% endif %}{% endfor %}";
const THINKING =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const OPENED_THINKING =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}';
const NO_TURN_END =
  "{% for m in messages %}{{ '### ' + m.role + '\n' + m.content + '\n' }}{% endfor %}{% if add_generation_prompt %}### assistant\n{% endif %}";
const INSPECTING =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and 'world' in m.content %}<w>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

describe('answers of conversations', () => {
  it('are trained with the token that ends the turn, and nothing else', () => {
    const result = tokenizeExample(ONE_TURN, SOURCE, contextWith(null));
    expect(show(result)).toEqual({
      all: '<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\nworld<|im_end|>\n',
      trained: 'world<|im_end|>',
    });
    const { labels, inputIds } = result.tokenized;
    expect([...labels].filter((label) => label !== -100)).toHaveLength(result.supervised);
    labels.forEach((label, index) => expect([-100, inputIds[index]]).toContain(label));
  });

  it.each([
    ['several turns', CHAT_TEMPLATE, 'one<|im_end|>|two<|im_end|>'],
    ['no generation prompt', LLAMA_2, ' one </s>| two </s>'],
    ['a block that only the last turn gets', THINKING, 'one<|im_end|>|<think>\n\n</think>\n\ntwo<|im_end|>'],
    ['a generation prompt that the answer lacks', OPENED_THINKING, 'one<|im_end|>|two<|im_end|>'],
    ['no token at the end of a turn', NO_TURN_END, 'one|two\n</s>'],
  ])('%s', (_, template, trained) => {
    expect(trainedWith(template, TWO_TURNS)).toBe(trained);
  });

  it('are found where the template looks into the content', () => {
    expect(trainedWith(INSPECTING, ONE_TURN)).toBe('<w>world<|im_end|>');
  });

  it('are left out before the completion and with weight 0', () => {
    const messages = TWO_TURNS.messages;
    expect(trainedWith(CHAT_TEMPLATE, chatExample(messages, 4, null))).toBe('two<|im_end|>');
    const unweighted = messages.map((entry) => (entry.content === 'two' ? { ...entry, weight: 0 } : entry));
    expect(trainedWith(CHAT_TEMPLATE, chatExample(unweighted, 0, null))).toBe('one<|im_end|>');
  });

  it('contain what looks like the end of a turn without ending there', () => {
    const tricky = chatExample([turn('user', 'a'), turn('assistant', 'say <|im_end|> ok')], 0, null);
    expect(trainedWith(CHAT_TEMPLATE, tricky)).toBe('say <|im_end|> ok<|im_end|>');
  });

  it('can call tools and say nothing', () => {
    const template =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    const call = { role: 'assistant', content: null, tool_calls: [{ name: 'f' }] };
    const example = chatExample([turn('user', 'a'), call, turn('tool', '42'), turn('assistant', 'ok')], 0, null);
    expect(trainedWith(template, example)).toBe('[{"name": "f"}]<|im_end|>|ok<|im_end|>');
  });

  it('are all tokens but the first without completion_only_loss', () => {
    const result = tokenizeExample(ONE_TURN, SOURCE, contextWith(null, { completionOnlyLoss: false }));
    expect(result.tokenized.labels[0]).toBe(-100);
    expect([...result.tokenized.labels.slice(1)]).toEqual([...result.tokenized.inputIds.slice(1)]);
  });
});

it('an answer may begin with the space that a template without a generation prompt puts before it', () => {
  // The system message stands in the last user turn only, so no earlier prompt is a beginning of the whole.
  const template =
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {% if loop.index == messages | length - 1 %}{{ messages[0].content }} {% endif %}{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}";
  const turns = [
    turn('system', 's'),
    turn('user', 'a'),
    turn('assistant', 'world'),
    turn('user', 'b'),
    turn('assistant', 'world'),
  ];
  expect(tokenizer.tokenToId('Ġworld')).not.toBeNull();
  expect(trainedWith(template, chatExample(turns, 0, null))).toBe(' world</s>| world</s>');
});

describe('a template that gives no certain mask', () => {
  const expectFault = (template: string, example: Example, code: string): void => {
    expect(() => tokenizeExample(example, SOURCE, contextWith(template))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('data.template') }),
    );
  };

  it('drops or changes the answer', () => {
    expectFault('{% for m in messages %}{{ m.role }}{% endfor %}', ONE_TURN, 'data/template-mismatch');
    const twice = '{% for m in messages %}{{ m.content }}-{{ m.content }}{% endfor %}';
    expectFault(
      twice,
      chatExample([turn('user', 'a'), turn('assistant', 'b'), turn('user', 'a'), turn('assistant', 'b')], 0, null),
      'data/template-mismatch',
    );
  });

  it('lets one token cover prompt and answer', () => {
    // "hello" is one token, so the border between "he" and "llo" lies inside it.
    const example = chatExample([turn('user', 'he'), turn('assistant', 'llo')], 0, null);
    expectFault('{% for m in messages %}{{ m.content }}{% endfor %}', example, 'data/token-border');
  });

  it('refuses the conversation', () => {
    const refusing =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}";
    expectFault(refusing, TWO_TURNS, 'data/template-refused');
  });
});

describe('without a chat template', () => {
  it('a conversation is prompt, answer, stop token', () => {
    expect(show(tokenizeExample(TWO_TURNS, SOURCE, plainContext()))).toEqual({
      all: '<s>be ok\nhello\none</s>and\ntwo</s>',
      trained: 'one</s>|two</s>',
    });
  });

  it('white space at the end of the prompt stays as it is, and tokens never cross the border', () => {
    const example = chatExample([turn('user', 'he '), turn('assistant', ' llo')], 0, null);
    expect(show(tokenizeExample(example, SOURCE, plainContext()))).toEqual({
      all: '<s>he  llo</s>',
      trained: ' llo</s>',
    });
  });
});

describe('text and tokens', () => {
  it('text trains everything and the stop token', () => {
    const result = tokenizeExample({ kind: 'text', text: 'hello world' }, SOURCE, contextWith(null));
    expect(show(result)).toEqual({ all: '<s>hello world</s>', trained: 'hello world</s>' });
    expect(show(tokenizeExample({ kind: 'text', text: 'ok</s>' }, SOURCE, contextWith(null))).all).toBe('<s>ok</s>');
  });

  it('tokens are taken as they are', () => {
    const result = tokenizeExample(
      { kind: 'tokens', inputIds: [5, 6, 7], labels: [-100, -100, 7] },
      SOURCE,
      contextWith(null),
    );
    expect([...result.tokenized.labels]).toEqual([-100, -100, 7]);
    const all = tokenizeExample({ kind: 'tokens', inputIds: [5, 6, 7], labels: null }, SOURCE, contextWith(null));
    expect([...all.tokenized.labels]).toEqual([-100, 6, 7]);
  });

  it.each([
    [{ kind: 'tokens', inputIds: [1, 99_999], labels: null }, 'data/token-out-of-vocabulary'],
    [{ kind: 'tokens', inputIds: [1, -1], labels: null }, 'data/token-out-of-vocabulary'],
    [{ kind: 'tokens', inputIds: [1, 2], labels: [-100, 3] }, 'data/wrong-value'],
  ] as const)('%j is refused', (example, code) => {
    expect(() => tokenizeExample(example, SOURCE, contextWith(null))).toThrow(expect.objectContaining({ code }));
  });
});

it('truncation keeps the beginning and counts what it took', () => {
  const result = tokenizeExample(TWO_TURNS, SOURCE, contextWith(null, { maxLength: 30 }));
  expect(result.tokenized.inputIds).toHaveLength(30);
  expect(result.fullLength).toBeGreaterThan(30);
  const whole = tokenizeExample(TWO_TURNS, SOURCE, contextWith(null));
  expect(result.supervised + result.supervisedCut).toBe(whole.supervised);
  expect(result.supervisedCut).toBeGreaterThan(0);
});

describe('other tasks', () => {
  it('a classifier gets the text in its special tokens, cut inside them', async () => {
    const config = { cls_token: '[CLS]', sep_token: '[SEP]', unk_token: '[UNK]' };
    const bert = await loadTokenizer(
      await writeTokenizerFolder(`${place.dir}/bert`, { tokenizer: wordPieceTokenizer(), config }),
    );
    const labels = createClassLabels('single_label_classification', ['no', 'yes']);
    const context = { ...contextWith(null), tokenizer: bert, taskType: 'SEQ_CLS', labels, maxLength: 4 } as const;
    const example = { kind: 'classification', text: 'hello world hello', label: 'yes' } as const;
    const { tokenized } = tokenizeExample(example, SOURCE, context);
    expect([...tokenized.inputIds]).toEqual([2, 4, 5, 3]);
    expect(tokenized.target).toBe(1);
    expect(() => tokenizeExample({ ...example, label: 'maybe' }, SOURCE, context)).toThrow(
      expect.objectContaining({ code: 'data/unknown-label' }),
    );
    expect(() => tokenizeExample(ONE_TURN, SOURCE, context)).toThrow(
      expect.objectContaining({ code: 'data/wrong-format' }),
    );
  });

  it('several labels become 0 and 1, and a regression takes numbers', () => {
    const several = createClassLabels('multi_label_classification', ['a', 'b', 'c']);
    expect(several.targetOf(['c', 'a'])).toEqual([1, 0, 1]);
    expect(several.targetOf('b')).toEqual([0, 1, 0]);
    const regression = createClassLabels('regression', []);
    expect(regression.targetOf('1.5')).toBe(1.5);
    expect(() => regression.targetOf('many')).toThrow(expect.objectContaining({ code: 'data/wrong-value' }));
  });

  it('an encoder-decoder gets the prompt and, apart, the answer with its stop token', () => {
    const { tokenized, supervised, ...lengths } = tokenizeExample(
      ONE_TURN,
      SOURCE,
      contextWith(null, { taskType: 'SEQ_2_SEQ_LM' }),
    );
    expect(tokenizer.decode(tokenized.inputIds, { skipSpecialTokens: false })).toBe('<s>hello');
    expect(tokenizer.decode(tokenized.decoderIds!, { skipSpecialTokens: false })).toBe('world</s>');
    expect(supervised).toBe(tokenized.decoderIds!.length);
    const [source, answer] = [tokenized.inputIds.length, tokenized.decoderIds!.length];
    expect(lengths).toEqual({
      allTokens: source + answer,
      fullLength: Math.max(source, answer),
      supervisedCut: 0,
    });
    const cut = tokenizeExample(ONE_TURN, SOURCE, contextWith(null, { taskType: 'SEQ_2_SEQ_LM', maxLength: 2 }));
    expect(cut).toMatchObject({ allTokens: source + answer, fullLength: lengths.fullLength });
    expect([cut.tokenized.inputIds.length, cut.tokenized.decoderIds!.length]).toEqual([2, 2]);
  });
});
