/**
 * @file How smooth a run's curves are: the page of a run with 100,000 steps is panned by the mouse, and Chromium's own trace tells what
 * each frame cost the page.
 */
import type { CDPSession, Page } from 'playwright-core';
import { quantile } from '../statistics.ts';

export interface FrameTimes {
  readonly what: string;
  readonly frames: number;
  /** Script, style and layout on the page's thread, a frame; what the thread itself took, without waiting for a processor. */
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
  /** Of the thread's own clock. */
  readonly tdur?: number;
  readonly pid: number;
  readonly tid: number;
}

const CATEGORIES = ['devtools.timeline', 'v8'];
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
/** The last that the thread does for a frame. */
const FRAME_END = 'Layerize';

/** @param work moves what is to be measured; takes some seconds */
export async function traceFrames(page: Page, what: string, work: () => Promise<void>): Promise<FrameTimes> {
  const session = await page.context().newCDPSession(page);
  const events = await trace(session, work);
  await session.detach();
  const thread = findPageThread(events);
  const own = events.filter(({ pid, tid }) => pid === thread.pid && tid === thread.tid);
  const whole = own.filter(({ ph, dur }) => ph === 'X' && dur !== undefined);
  const ends = whole.filter(({ name }) => name === FRAME_END).map(({ ts }) => ts);
  const frames = costOfFrames(
    ends.sort((a, b) => a - b),
    whole.filter(({ name }) => WORK.has(name)),
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
    traceConfig: { includedCategories: CATEGORIES },
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

/** Milliseconds of work up to the end of each frame; what lies within other work is part of it. */
function costOfFrames(ends: readonly number[], work: readonly TraceEvent[]): number[] {
  const costs = ends.map(() => 0);
  let busyUntil = 0;
  let frame = 0;
  for (const { ts, dur = 0, tdur = dur } of [...work].sort((a, b) => a.ts - b.ts)) {
    if (ts < busyUntil) continue;
    busyUntil = ts + dur;
    while (frame < ends.length && (ends[frame] ?? Infinity) < ts) frame += 1;
    if (frame < ends.length) costs[frame] = (costs[frame] ?? 0) + tdur / 1000;
  }
  return costs;
}
