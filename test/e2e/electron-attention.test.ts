/**
 * @file While a run trains in a real Electron the machine may not fall asleep, and its end is told to who looks elsewhere.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { DesktopBridge } from '../../src-shared/contract/desktop-bridge.ts';
import { questionRows, writeTinyModel } from '../recipe/support/tiny-model.ts';
import { useOneElectron } from './support/one-electron.ts';

declare const window: { tunesmithDesktop: DesktopBridge };

/** What the test keeps in main beside the app. */
interface Watch {
  readonly blockers: number[];
  readonly notes: { title: string; body: string; click: () => void }[];
  timesForward: number;
}
interface Shown {
  readonly title: string;
  readonly body: string;
  emit(event: 'click'): void;
}
type WithWatch = typeof globalThis & { watch: Watch };

const one = useOneElectron(async (home) => {
  mkdirSync(path.join(home, 'models'));
  await writeTinyModel(path.join(home, 'models', 'tiny'));
  writeFileSync(path.join(home, 'rows.jsonl'), questionRows(40));
});

/** The blockers are Electron's own; notifications are written down, since a bare display shows none. */
function watchDesktop(): Promise<void> {
  return one.open.app.evaluate(({ powerSaveBlocker, Notification, BrowserWindow }) => {
    const watch: Watch = { blockers: [], notes: [], timesForward: 0 };
    (globalThis as WithWatch).watch = watch;
    const start = powerSaveBlocker.start.bind(powerSaveBlocker);
    powerSaveBlocker.start = (kind: string) => {
      const id = start(kind);
      watch.blockers.push(id);
      return id;
    };
    Notification.isSupported = () => true;
    Notification.prototype.show = function show(this: Shown) {
      const { title, body } = this;
      watch.notes.push({ title, body, click: () => void this.emit('click') });
    };
    // A display without a window manager takes no focus away.
    const [shown] = BrowserWindow.getAllWindows();
    if (!shown) throw new Error('no window');
    shown.isFocused = () => false;
    shown.focus = () => void (watch.timesForward += 1);
  });
}

function startRun(steps: number): Promise<unknown> {
  const config = {
    name: 'Tiny',
    model: { path: path.join(one.home, 'models', 'tiny') },
    data: { train: [path.join(one.home, 'rows.jsonl')], eval_fraction: 0, max_length: 32 },
    quantization: {},
    peft: {},
    training: { max_steps: steps, per_device_train_batch_size: 1 },
  };
  return one.open.page.evaluate((given) => {
    const { tunesmithDesktop: bridge } = window;
    return new Promise((resolve) => {
      bridge.listen((message) => {
        if (message.type === 'reply' && message.id === 'start') resolve(message.outcome);
      });
      bridge.send({ type: 'call', id: 'start', method: 'runs:start', args: { config: given } });
    });
  }, config);
}

it('keeps the machine awake while a run trains, and says when it is finished', { timeout: 180_000 }, async () => {
  await watchDesktop();
  expect(await startRun(400)).toMatchObject({ ok: true });
  const states = () =>
    one.open.app.evaluate(({ powerSaveBlocker }) =>
      (globalThis as WithWatch).watch.blockers.map((id) => powerSaveBlocker.isStarted(id)),
    );
  await expect.poll(states, { timeout: 30_000 }).toEqual([true]);
  const notes = () =>
    one.open.app.evaluate(() => (globalThis as WithWatch).watch.notes.map(({ title, body }) => ({ title, body })));
  await expect.poll(notes, { timeout: 120_000 }).toMatchObject([{ title: 'Tiny is finished' }]);
  await expect.poll(states, { timeout: 30_000 }).toEqual([false]);
  const timesForward = await one.open.app.evaluate(() => {
    const { watch } = globalThis as WithWatch;
    const before = watch.timesForward;
    watch.notes[0]?.click();
    return watch.timesForward - before;
  });
  expect(timesForward).toBe(1);
});
