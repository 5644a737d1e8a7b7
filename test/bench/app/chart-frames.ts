/**
 * @file How smooth a run's curves are: the page of a run with 100,000 steps is panned by the mouse, and Chromium's own trace tells what
 * each frame cost the page.
 */
import type { CDPSession, Page } from 'playwright-core';
import { quantile } from '../statistics.ts';

export interface FrameTimes {
  readonly what: string;
  readonly frames: number;
  /** Script, style and layout on the page's thread, a frame. */
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly mostMs: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { readonly data?: { readonly isMainFrame?: boolean } };
}

const CATEGORIES = 'devtools.timeline,devtools.timeline.frame,v8,blink.user_timing';
/** What the page's thread does for a frame, other than painting. */
const WORK = new Set([
  'EventDispatch',
  'FunctionCall',
  'FireAnimationFrame',
  'RunMicrotasks',
  'TimerFire',
  'UpdateLayoutTree',
  'Layout',
  'PrePaint',
  'HitTest',
  'MinorGC',
  'MajorGC',
  'V8.GCScavenger',
]);
const FRAME_START = 'BeginMainThreadFrame';

/** @param work moves what is to be measured; takes some seconds */
export async function traceFrames(page: Page, what: string, work: () => Promise<void>): Promise<FrameTimes> {
  const session = await page.context().newCDPSession(page);
  const events = await trace(session, work);
  await session.detach();
  const thread = findPageThread(events);
  const own = events.filter(({ pid, tid }) => pid === thread.pid && tid === thread.tid);
  const starts = own.filter(({ name }) => name === FRAME_START).map(({ ts }) => ts);
  const spans = own
    .filter(({ name, ph, dur }) => ph === 'X' && WORK.has(name) && dur !== undefined)
    .map(({ ts, dur = 0 }) => ({ from: ts, to: ts + dur }));
  const frames = costOfFrames(
    starts.sort((a, b) => a - b),
    spans,
  );
  return {
    what,
    frames: frames.length,
    medianMs: quantile(frames, 0.5),
    p95Ms: quantile(frames, 0.95),
    mostMs: Math.max(...frames),
  };
}

/** Drags with Shift held, there and back, a step a frame. */
export async function panByMouse(
  page: Page,
  plot: { x: number; y: number; width: number },
  moves: number,
): Promise<void> {
  const { x, y, width } = plot;
  const middle = x + width / 2;
  await page.keyboard.down('Shift');
  await page.mouse.move(middle, y);
  await page.mouse.down();
  for (let move = 0; move < moves; move++) {
    await page.mouse.move(middle + Math.sin((move / moves) * 4 * Math.PI) * width * 0.4, y);
  }
  await page.mouse.up();
  await page.keyboard.up('Shift');
}

async function trace(session: CDPSession, work: () => Promise<void>): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES.split(',') },
  });
  await work();
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  return events;
}

/** The thread that dispatched the most input. */
function findPageThread(events: readonly TraceEvent[]): { pid: number; tid: number } {
  const counts = new Map<string, number>();
  for (const { name, pid, tid } of events) {
    if (name === 'EventDispatch') counts.set(`${pid} ${tid}`, (counts.get(`${pid} ${tid}`) ?? 0) + 1);
  }
  const [most = '0 0'] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const [pid = 0, tid = 0] = most.split(' ').map(Number);
  return { pid, tid };
}

/** Milliseconds of work between one frame's start and the next; what overlaps counts once. */
function costOfFrames(starts: readonly number[], spans: readonly { from: number; to: number }[]): number[] {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  const costs = starts.slice(1).map(() => 0);
  let busyUntil = 0;
  for (const { from, to } of sorted) {
    const frame = findFrame(starts, from);
    const begin = Math.max(from, busyUntil);
    if (to <= begin) continue;
    busyUntil = to;
    if (frame >= 0 && frame < costs.length) costs[frame] = (costs[frame] ?? 0) + (to - begin) / 1000;
  }
  return costs;
}

function findFrame(starts: readonly number[], at: number): number {
  let low = -1;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? Infinity) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
