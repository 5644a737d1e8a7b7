/**
 * @file How far a download is, how fast, how long it still takes; told a few times a second.
 */
import type {
  DownloadFileProgress,
  DownloadFileState,
  DownloadProgress,
  HubFile,
} from '../../../src-shared/domain/hub.ts';

export interface TransferMeter {
  set(name: string, doneBytes: number, state: DownloadFileState): void;
  /** Why nothing comes; null when it goes on. */
  setWaiting(name: string, reason: string | null): void;
  /** Tells at once. */
  flush(): void;
}

const TELL_EVERY_MS = 250;
/** Speed is over this time: a shorter one jumps, a longer one is behind. */
const WINDOW_MS = 6_000;

/** @param now milliseconds of a clock that only goes forward */
export function createTransferMeter(
  files: readonly HubFile[],
  tell: (progress: DownloadProgress) => void,
  now: () => number = () => performance.now(),
): TransferMeter {
  const states = new Map<string, DownloadFileProgress>(
    files.map(({ name, bytes }) => [name, { name, bytes, done_bytes: 0, state: 'waiting' }]),
  );
  const waiting = new Map<string, string>();
  const total_bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let received = 0;
  let marks: { at: number; received: number }[] = [];
  let lastMs = -Infinity;
  let later: NodeJS.Timeout | null = null;

  function measureSpeed(): number | null {
    const at = now();
    marks = [...marks.filter((mark) => at - mark.at <= WINDOW_MS), { at, received }];
    const [first] = marks;
    if (!first || at - first.at < TELL_EVERY_MS / 2) return null;
    return ((received - first.received) / (at - first.at)) * 1000;
  }

  function flush(): void {
    if (later) clearTimeout(later);
    later = null;
    lastMs = now();
    const list = [...states.values()];
    const done_bytes = list.reduce((sum, file) => sum + file.done_bytes, 0);
    const bytes_per_second = measureSpeed();
    const eta_ms = bytes_per_second ? ((total_bytes - done_bytes) / bytes_per_second) * 1000 : null;
    // Where anything still comes, one file that waits is no news.
    const isStuck = waiting.size > 0 && list.every(({ name, state }) => state !== 'downloading' || waiting.has(name));
    const [reason = null] = isStuck ? waiting.values() : [];
    tell({ files: list, total_bytes, done_bytes, bytes_per_second, eta_ms, waiting: reason });
  }

  return {
    set(name, done_bytes, state) {
      const known = states.get(name);
      if (!known) return;
      if (state === 'downloading') received += Math.max(0, done_bytes - known.done_bytes);
      states.set(name, { ...known, done_bytes, state });
      if (state !== known.state || now() - lastMs >= TELL_EVERY_MS) flush();
      // What came last is told too where nothing more comes for a while.
      else later ??= setTimeout(flush, TELL_EVERY_MS).unref();
    },
    setWaiting(name, reason) {
      if (reason === null) waiting.delete(name);
      else waiting.set(name, reason);
      flush();
    },
    flush,
  };
}
