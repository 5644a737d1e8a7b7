/**
 * @file The desktop behind `attention.ts`, as Electron reaches it.
 */
import { type BrowserWindow, nativeTheme, Notification, powerSaveBlocker } from 'electron';
import type { Desktop } from './attention.ts';

/** @param comeForward brings the window to the person */
export function createElectronDesktop(window: () => BrowserWindow | null, comeForward: () => void): Desktop {
  let blocker: number | null = null;
  /** Held as long as they can be clicked: one that is collected as garbage hears no click. */
  const shown = new Set<Notification>();
  return {
    holdAwake: () => void (blocker ??= powerSaveBlocker.start('prevent-app-suspension')),
    letSleep() {
      if (blocker !== null) powerSaveBlocker.stop(blocker);
      blocker = null;
    },
    setTheme: (theme) => void (nativeTheme.themeSource = theme),
    showProgress: (fraction) => window()?.setProgressBar(fraction),
    isWatched: () => window()?.isFocused() ?? false,
    notify(told) {
      if (!Notification.isSupported()) return;
      const notification = new Notification(told);
      shown.add(notification);
      notification.on('click', comeForward);
      for (const end of ['click', 'close', 'failed'] as const) notification.on(end, () => shown.delete(notification));
      notification.show();
    },
  };
}
