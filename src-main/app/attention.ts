/**
 * @file What main does about work that goes on while nobody looks: keeps the machine awake, shows progress in the task bar, and says
 * when a run has ended. Knows of Electron only what it is given.
 */
import type { Client } from '../../src-shared/contract/client.ts';
import type { RunSummary } from '../../src-shared/domain/run-views.ts';
import type { Settings } from '../../src-shared/schema/settings.ts';
import { words } from './words.ts';

/** The desktop as it is asked for attention. */
export interface Desktop {
  /** The machine stays awake from the first to the second. */
  holdAwake(): void;
  letSleep(): void;
  setTheme(theme: Settings['theme']): void;
  /** @param fraction 0 to 1; -1 = nothing is at work */
  showProgress(fraction: number): void;
  /** True while the person looks at the window. */
  isWatched(): boolean;
  /** A click on it brings the window forward. Nothing happens where the desktop has no notifications. */
  notify(told: { readonly title: string; readonly body: string }): void;
}

export interface Attention {
  /** True while a run is at work. */
  isTraining(): boolean;
}

/** @param client main's own end of the contract */
export function payAttention(client: Client, desktop: Desktop): Attention {
  let isTraining = false;
  let isAwake = false;
  /** Runs that were seen at work; others that change are only renamed or tagged. */
  const atWork = new Set<string>();

  const takeWork = (training: boolean, tasks: number): void => {
    isTraining = training;
    const isBusy = training || tasks > 0;
    if (isBusy && !isAwake) desktop.holdAwake();
    if (!isBusy && isAwake) desktop.letSleep();
    isAwake = isBusy;
    if (!training) desktop.showProgress(-1);
  };
  client.on('work:changed', ({ training, tasks }) => takeWork(training, tasks));
  client.on('run:progressed', ({ step, total_steps }) => {
    if (total_steps) desktop.showProgress(step / total_steps);
  });
  client.on('run:changed', (run) => {
    if (run.state === 'running' || run.state === 'preparing') atWork.add(run.id);
    else if (atWork.delete(run.id)) void sayEnd(client, run, desktop);
  });
  // Core crashed: nothing is at work in the new one, and what was, is offered in the window.
  client.onRestart(() => {
    atWork.clear();
    takeWork(false, 0);
  });
  client.on('settings:changed', ({ theme }) => desktop.setTheme(theme));
  void client.call('settings:get', {}).then(
    ({ theme }) => desktop.setTheme(theme),
    () => {}, // the window shows why core does not answer
  );
  return { isTraining: () => isTraining };
}

/** Not for a run that the person ended, nor while they look at the window. */
async function sayEnd(client: Client, { name, state }: RunSummary, desktop: Desktop): Promise<void> {
  if (state !== 'finished' && state !== 'failed') return;
  if (desktop.isWatched()) return;
  const isWanted = await client.call('settings:get', {}).then(
    ({ notify_when_done }) => notify_when_done,
    () => false,
  );
  if (!isWanted) return;
  const isGood = state === 'finished';
  const title = isGood ? words.finished(name) : words.failed(name);
  desktop.notify({ title, body: isGood ? words.finishedBody : words.failedBody });
}
