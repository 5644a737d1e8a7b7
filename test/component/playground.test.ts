/** @file Base and tuned model asked the same. */
import { describe, expect, it } from 'vitest';
import type { ChatState } from '../../src-shared/contract/chat-methods.ts';
import { Playground } from '../../src-renderer/state/playground.svelte.ts';
import { createScriptedCore } from './support/scripted-core.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const DONE = { tokens: 2, prompt_tokens: 3, tokens_per_second: 10, stop_reason: 'stop_token' as const };

function open() {
  let answers = 0;
  const core = createScriptedCore({
    'chat:open': ({ tuned }): ChatState => ({
      chat: tuned && !tuned.as_base ? 'tuned' : 'base',
      model_path: '/m',
      adapter_dir: tuned && !tuned.as_base ? '/a' : null,
      state: 'ready',
      phase: '',
      error: null,
    }),
    'chat:generate': () => ({ answer: `answer ${++answers}` }),
    'chat:stop': () => null,
    'chat:close': () => null,
    'chat:makeRoom': () => null,
  });
  const playground = new Playground(core.client);
  const finish = (chat: string, text: string) =>
    core.push('chat:answered', { chat, answer: 'x', outcome: { ok: true, value: { text, ...DONE } } });
  return { core, playground, finish };
}

describe('the playground', () => {
  it('streams both answers, and goes on from each side’s own', async () => {
    const { core, playground, finish } = open();
    await playground.choose({ modelPath: '/m', run: 'r', checkpoint: null });
    const opened = core.calls.filter(({ method }) => method === 'chat:open').map(({ args }) => args);
    expect(opened).toMatchObject([{ tuned: { run: 'r', as_base: true } }, { tuned: { run: 'r', as_base: false } }]);
    await playground.ask('one?');
    core.push('chat:textAdded', { chat: 'tuned', answer: 'x', text: 'two' });
    expect(playground.turns[0]?.answers.tuned).toMatchObject({ text: 'two', state: 'writing' });
    expect(playground.turns[0]?.answers.base).toMatchObject({ text: '', state: 'waiting' });
    finish('tuned', 'two');
    expect(playground.busy).toBe(true);
    finish('base', 'hello');
    expect(playground.busy).toBe(false);
    await playground.ask('and?');
    const inputs = core.calls
      .filter(({ method }) => method === 'chat:generate')
      .map(({ args }) => (args as { chat: string; input: { messages: { content: string }[] } }).input.messages);
    expect(inputs[2]?.map(({ content }) => content)).toEqual(['one?', 'hello', 'and?']);
    expect(inputs[3]?.map(({ content }) => content)).toEqual(['one?', 'two', 'and?']);
  });

  it('shows one side where there is one', async () => {
    const { core, playground } = open();
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null });
    expect(playground.shown).toEqual(['base']);
    await playground.choose({ modelPath: '/m', run: 'r', checkpoint: 4 });
    await playground.setWithBase(false);
    expect(playground.shown).toEqual(['tuned']);
    await playground.setWithBase(true);
    await playground.choose({ modelPath: '/m', run: 'r', checkpoint: 4, task: 'SEQ_CLS' });
    expect(playground.shown).toEqual(['tuned']);
    expect(core.calls.some(({ method }) => method === 'chat:close')).toBe(true);
  });

  it('says in its place why an answer failed', async () => {
    const { core, playground } = open();
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null });
    core.answers['chat:generate'] = () => {
      throw new Error('no memory');
    };
    await playground.ask('one?');
    await settle();
    expect(playground.turns[0]?.answers.base).toMatchObject({ state: 'failed' });
    expect(playground.busy).toBe(false);
  });

  it('has a training paused where it is asked to, for another model too, and until the models are let go', async () => {
    const { core, playground } = open();
    const opened = () =>
      core.calls
        .filter(({ method }) => method === 'chat:open')
        .map(({ args }) => (args as { pause_running: boolean }).pause_running);
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null }, false);
    expect(opened()).toEqual([]);
    await playground.openInstead('Letters');
    expect(opened()).toEqual([true]);
    await playground.choose({ modelPath: '/n', run: null, checkpoint: null });
    expect(opened()).toEqual([true, true]);
    expect(playground.pausedRun).toBe('Letters');
    await playground.close();
    expect(playground.pausedRun).toBeNull();
    await playground.open();
    expect(opened()).toEqual([true, true, false]);
  });

  it('leaves what is loaded as it is when a training is paused for it', async () => {
    const { core, playground } = open();
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null });
    core.calls.length = 0;
    await playground.openInstead('Letters');
    expect(core.calls.map(({ method }) => method)).toEqual(['chat:makeRoom']);
    expect(playground.pausedRun).toBe('Letters');
  });

  it('notices that core closed its chats while the connection was broken, and loads again when asked', async () => {
    const { core, playground, finish } = open();
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null });
    await playground.ask('one?');
    core.answers['chat:list'] = () => [];
    core.restart();
    await settle();
    expect(playground.isLoaded).toBe(false);
    expect(playground.turns[0]?.answers.base).toMatchObject({ state: 'done', stopReason: 'interrupted' });
    expect(playground.busy).toBe(false);
    await playground.ask('two?');
    finish('base', 'two');
    expect(playground.turns[1]?.answers.base).toMatchObject({ text: 'two', state: 'done' });
  });

  it('no longer says that a training is paused when its models ended', async () => {
    const { core, playground } = open();
    await playground.choose({ modelPath: '/m', run: null, checkpoint: null }, false);
    await playground.openInstead('Letters');
    const ended = { chat: 'base', model_path: '/m', adapter_dir: null, phase: '', error: null };
    core.push('chat:changed', { ...ended, state: 'ended' });
    expect(playground.pausedRun).toBeNull();
  });

  it('lets go of the models when it is left', async () => {
    const { core, playground } = open();
    await playground.choose({ modelPath: '/m', run: 'r', checkpoint: null });
    playground.dispose();
    await settle();
    expect(core.calls.filter(({ method }) => method === 'chat:close')).toHaveLength(2);
  });
});
