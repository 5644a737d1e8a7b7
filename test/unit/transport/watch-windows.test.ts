/** @file Who is there, seen from connections. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { windowOf } from '../../../src-shared/contract/messages.ts';
import { watchWindows } from '../../../src-main/transport/watch-windows.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const left: string[] = [];
  return { left, watch: watchWindows(1_000, (window) => left.push(window)) };
}

it('says that a window left once its time to come back is over', () => {
  const { left, watch } = open();
  const connection = watch.connect();
  connection.carries('a');
  connection.carries('a');
  connection.broke();
  vi.advanceTimersByTime(999);
  expect(left).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(left).toEqual(['a']);
});

it('says nothing of a window that came back, until that connection breaks too', () => {
  const { left, watch } = open();
  const first = watch.connect();
  first.carries('a');
  first.broke();
  const second = watch.connect();
  second.carries('a');
  vi.advanceTimersByTime(5_000);
  expect(left).toEqual([]);
  second.broke();
  vi.advanceTimersByTime(1_000);
  expect(left).toEqual(['a']);
});

it('keeps windows apart, and says nothing more when it is closed', () => {
  const { left, watch } = open();
  const [first, second] = [watch.connect(), watch.connect()];
  first.carries('a');
  second.carries('b');
  first.broke();
  vi.advanceTimersByTime(1_000);
  expect(left).toEqual(['a']);
  second.broke();
  watch.close();
  vi.advanceTimersByTime(5_000);
  expect(left).toEqual(['a']);
});

it('knows a window by the ids of its calls', () => {
  expect(windowOf({ type: 'call', id: 'k3.x.17', method: '', args: {} })).toBe('k3.x');
  expect(windowOf({ type: 'call', id: 'start', method: '', args: {} })).toBe('');
});
