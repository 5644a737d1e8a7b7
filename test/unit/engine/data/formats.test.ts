import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectFormat, type DetectOptions } from '../../../../src-main/engine/data/detect-format.ts';
import { digestExample, type Example } from '../../../../src-main/engine/data/example.ts';
import { readExamples } from '../../../../src-main/engine/data/read-examples.ts';
import type { DataFault, Row } from '../../../../src-main/engine/data/types.ts';
import { makeParquet, makeWorkplace, makeXlsx, toJsonl, type Workplace } from './files.ts';

let place: Workplace;
beforeAll(async () => {
  place = await makeWorkplace();
});
afterAll(() => place.remove());

const AUTO: DetectOptions = { format: 'auto', columns: {}, taskType: null };

function detect(rows: readonly Row[], options: Partial<DetectOptions> = {}) {
  const result = detectFormat('f', rows, { ...AUTO, ...options });
  if (!result.ok) return { fault: result.fault };
  const { format, plan, reason, considered } = result.detected;
  return { name: format.name, plan, reason, considered };
}

async function readAllExamples(
  file: string,
  options: Partial<DetectOptions> = {},
): Promise<{ examples: Example[]; faults: DataFault[] }> {
  const examples: Example[] = [];
  const faults: DataFault[] = [];
  for await (const item of readExamples(file, { ...AUTO, ...options })) {
    if (item.kind === 'example') examples.push(item.example);
    if (item.kind === 'fault') faults.push(item.fault);
  }
  return { examples, faults };
}

const CHAT = [
  { role: 'user', content: 'q' },
  { role: 'assistant', content: 'a' },
];
const SHARED = [
  { from: 'human', value: 'q' },
  { from: 'gpt', value: 'a' },
];

describe('auto', () => {
  it.each<[string, Row, Partial<DetectOptions>]>([
    ['messages', { messages: CHAT, label: 'x' }, {}],
    ['messages', { conversations: CHAT }, {}],
    ['messages', { messages: JSON.stringify(CHAT) }, {}],
    ['sharegpt', { conversations: SHARED }, {}],
    ['sharegpt', { messages: SHARED }, {}],
    ['prompt_completion', { prompt: 'p', completion: 'c', label: 'x' }, {}],
    ['prompt_completion', { prompt: CHAT.slice(0, 1), completion: CHAT.slice(1) }, {}],
    ['prompt_completion', { Question: 'p', answer: 'c' }, {}],
    ['alpaca', { instruction: 'i', input: '', output: 'o' }, {}],
    ['alpaca', { instruction: 'i', context: 'c', response: 'o', category: 'x' }, {}],
    ['text', { text: 't' }, {}],
    ['text', { content: 't' }, {}],
    ['classification', { text: 't', label: 1 }, {}],
    ['classification', { messages: CHAT, label: 'x' }, { taskType: 'SEQ_CLS' }],
    ['classification', { review: 'good', sentiment: 'yes' }, { taskType: 'SEQ_CLS' }],
    ['tokens', { input_ids: [1, 2] }, {}],
    ['tokens', { input_ids: '[1, 2]', labels: '[1, 2]' }, {}],
    ['prompt_completion', { frage: 'p', antwort: 'c' }, { columns: { prompt: 'frage', completion: 'antwort' } }],
  ])('%s from %j', (name, row, options) => {
    const found = detect([row], options);
    expect(found).toMatchObject({ name });
    expect(found.reason).not.toBe('');
  });

  it('says why, and what it did not take', () => {
    const found = detect([{ question: 'p', answer: 'c' }]);
    expect(found.reason).toContain('"question" is read as prompt');
    expect(found.considered).toContain('messages: no column for messages');
    expect(found.considered).toHaveLength(6);
  });

  it('does not guess between two columns', () => {
    expect(detect([{ question: 'p', query: 'p', answer: 'c' }]).fault).toMatchObject({ code: 'data/unknown-format' });
  });

  it('takes right names with wrong values, so that each row says what is wrong', () => {
    expect(detect([{ messages: 'hello' }, { messages: [] }])).toMatchObject({ name: 'messages' });
  });
});

describe('wrong columns', () => {
  it('lists what is there, what each format needs, and a mapping to copy', () => {
    const { fault } = detect([{ foo: 'x', bar: 'y' }]);
    expect(fault).toMatchObject({
      code: 'data/unknown-format',
      message: expect.stringMatching(
        /"foo" and "bar".*messages needs messages.*prompt_completion needs prompt and completion/,
      ),
      hint: expect.stringContaining('{"prompt": "foo", "completion": "bar"}'),
    });
  });

  it('names what an explicit format lacks', () => {
    expect(detect([{ prompt: 'x', reply_text: 'y' }], { format: 'prompt_completion' }).fault).toMatchObject({
      code: 'data/missing-columns',
      message: expect.stringContaining('needs a column for completion'),
    });
  });

  it.each([
    [{ prompt: 'nope' }, 'there is no column "nope"'],
    [{ prmpt: 'foo' }, 'no field of any format'],
  ])('refuses the mapping %j', (columns, message) => {
    const { fault } = detect([{ foo: 'x', bar: 'y' }], { columns });
    expect(fault).toMatchObject({ code: 'data/unknown-column', message: expect.stringContaining(message) });
  });

  it('recognises rows that are single messages', () => {
    expect(detect([CHAT[0]!]).fault?.hint).toContain('one row per conversation');
  });
});

describe('the same examples from every format and type', () => {
  const pairs = [
    ['Grüße, "du"', 'a\nb'],
    ['q2', '42'],
  ] as const;
  const asMessages = pairs.map(([q, a]) => [
    { role: 'user', content: q },
    { role: 'assistant', content: a },
  ]);
  const rowsIn = {
    messages: asMessages.map((messages) => ({ messages })),
    sharegpt: pairs.map(([q, a]) => ({
      conversations: [
        { from: 'human', value: q },
        { from: 'gpt', value: a },
      ],
    })),
    alpaca: pairs.map(([q, a]) => ({ instruction: q, input: '', output: a })),
    prompt_completion: pairs.map(([q, a]) => ({ prompt: q, completion: a })),
    classification: null,
  };
  const expected = asMessages.map((messages) => digestExample({ kind: 'chat', messages, trainFrom: 0, tools: null }));
  const csvCell = (text: string): string => `"${text.replaceAll('"', '""')}"`;

  it.each<[string, string | Uint8Array]>([
    ['messages.jsonl', toJsonl(rowsIn.messages)],
    ['sharegpt.json', JSON.stringify(rowsIn.sharegpt)],
    ['alpaca.jsonl', toJsonl(rowsIn.alpaca)],
    ['pairs.jsonl', toJsonl(rowsIn.prompt_completion)],
    ['pairs.csv', ['prompt,completion', ...pairs.map((pair) => pair.map(csvCell).join(','))].join('\n')],
    ['alpaca.tsv', ['instruction\toutput', ...pairs.map((pair) => pair.map(csvCell).join('\t'))].join('\n')],
    ['messages.csv', ['messages', ...asMessages.map((messages) => csvCell(JSON.stringify(messages)))].join('\n')],
    ['messages.xlsx', makeXlsx([['messages'], ...asMessages.map((messages) => [JSON.stringify(messages)])])],
    [
      'pairs.xlsx',
      makeXlsx([
        ['prompt', 'completion'],
        [pairs[0][0], pairs[0][1]],
        ['q2', 42],
      ]),
    ],
    ['messages.parquet', makeParquet([{ name: 'messages', data: asMessages, type: 'JSON' }])],
  ])('%s', async (name, content) => {
    const { examples, faults } = await readAllExamples(await place.write(name, content));
    expect(faults).toEqual([]);
    expect(examples.map(digestExample)).toEqual(expected);
  });
});

describe('further fields', () => {
  it('system, history, tools and earlier answers are kept', async () => {
    const alpaca = toJsonl([{ instruction: 'i', input: 'x', output: 'o', system: 's', history: [['q', 'a']] }]);
    const { examples } = await readAllExamples(await place.write('history.jsonl', alpaca));
    expect(examples).toEqual([
      {
        kind: 'chat',
        messages: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a' },
          { role: 'user', content: 'i\n\nx' },
          { role: 'assistant', content: 'o' },
        ],
        trainFrom: 4,
        tools: null,
      },
    ]);
    const shared = toJsonl([{ conversations: SHARED, system: 's', tools: '[{"name": "f"}]' }]);
    const result = await readAllExamples(await place.write('tools.jsonl', shared));
    expect(result.examples[0]).toMatchObject({ tools: [{ name: 'f' }], messages: [{ role: 'system' }, {}, {}] });
  });

  it('text parts are joined, pictures refused', async () => {
    const user = (content: unknown) => ({ messages: [{ role: 'user', content }, CHAT[1]] });
    const rows = [
      user([
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ]),
      user([{ type: 'image_url', image_url: 'x' }]),
    ];
    const { examples, faults } = await readAllExamples(await place.write('parts.jsonl', toJsonl(rows)));
    expect(examples[0]).toMatchObject({ messages: [{ content: 'ab' }, {}] });
    expect(faults).toMatchObject([{ code: 'data/not-text', line: 2, message: expect.stringContaining('image_url') }]);
  });
});
