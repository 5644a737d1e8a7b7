/**
 * @file What main does about work that goes on while nobody looks: keeps the machine awake, shows progress in the task bar, and says
 * when a run has ended.
 */
import { type BrowserWindow, nativeTheme, Notification, powerSaveBlocker } from 'electron';
import type { Client } from '../../src-shared/contract/client.ts';
import type { RunSummary } from '../../src-shared/domain/run-views.ts';
import { words } from './words.ts';

export interface Attention {
  /** True while a run is at work. */
  isTraining(): boolean;
}

/** @param client main's own end of the contract */
export function payAttention(client: Client, window: () => BrowserWindow | null): Attention {
  let isTraining = false;
  let blocker: number | null = null;
  /** Runs that were seen at work; others that change are only renamed or tagged. */
  const atWork = new Set<string>();

  client.on('work:changed', ({ training, tasks }) => {
    isTraining = training;
    const isBusy = training || tasks > 0;
    if (isBusy) blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (blocker !== null) {
      powerSaveBlocker.stop(blocker);
      blocker = null;
    }
    if (!training) window()?.setProgressBar(-1);
  });
  client.on('run:progressed', ({ step, total_steps }) => {
    if (total_steps) window()?.setProgressBar(step / total_steps);
  });
  client.on('run:changed', (run) => {
    if (run.state === 'running' || run.state === 'preparing') atWork.add(run.id);
    else if (atWork.delete(run.id)) void sayEnd(client, run, window);
  });
  client.on('settings:changed', ({ theme }) => (nativeTheme.themeSource = theme));
  void client.call('settings:get', {}).then(
    ({ theme }) => (nativeTheme.themeSource = theme),
    () => {}, // the window shows why core does not answer
  );
  return { isTraining: () => isTraining };
}

/** Not for a run that the person ended, nor while they look at the window. */
async function sayEnd(client: Client, { name, state }: RunSummary, window: () => BrowserWindow | null): Promise<void> {
  if (state !== 'finished' && state !== 'failed') return;
  if (!Notification.isSupported() || window()?.isFocused()) return;
  const isWanted = await client.call('settings:get', {}).then(
    ({ notify_when_done }) => notify_when_done,
    () => false,
  );
  if (!isWanted) return;
  const isGood = state === 'finished';
  const title = isGood ? words.finished(name) : words.failed(name);
  const notification = new Notification({ title, body: isGood ? words.finishedBody : words.failedBody });
  notification.on('click', () => window()?.show());
  notification.show();
}
