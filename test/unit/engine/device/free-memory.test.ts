/**
 * @file Free memory under control groups of both versions, nested ones, and `ulimit`; and the kernel's count of processes it has ended.
 */
import { freemem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readFreeMemory, readOutOfMemoryKills } from '../../../../src-main/engine/device/free-memory.ts';

const MB = 2 ** 20;
const from =
  (files: Readonly<Record<string, string>>) =>
  (file: string): string | null =>
    files[file] ?? null;

const V2 = {
  '/proc/self/cgroup': '0::/user/app\n',
  '/sys/fs/cgroup/user/app/memory.max': 'max\n',
  '/sys/fs/cgroup/user/app/memory.current': `${300 * MB}\n`,
  '/sys/fs/cgroup/user/memory.max': `${900 * MB}\n`,
  '/sys/fs/cgroup/user/memory.current': `${500 * MB}\n`,
  '/sys/fs/cgroup/user/memory.stat': `anon ${100 * MB}\ninactive_file ${200 * MB}\n`,
};
const V1 = {
  '/proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n',
  '/sys/fs/cgroup/memory/x/memory.limit_in_bytes': `${800 * MB}\n`,
  '/sys/fs/cgroup/memory/x/memory.usage_in_bytes': `${700 * MB}\n`,
  '/sys/fs/cgroup/memory/x/memory.stat': `inactive_file 0\ntotal_inactive_file ${50 * MB}\n`,
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${900 * MB}\n`,
};

describe('free memory', () => {
  it('is the machine’s where nothing limits it', () => {
    const { freeBytes, limitBytes } = readFreeMemory(from({}));
    expect(limitBytes).toBeNull();
    expect(Math.abs(freeBytes - freemem())).toBeLessThan(500 * MB);
  });

  it('is what the tightest group leaves, files that it has read not counted', () => {
    expect(readFreeMemory(from(V2))).toEqual({ freeBytes: 600 * MB, limitBytes: 900 * MB });
    expect(readFreeMemory(from(V1))).toEqual({ freeBytes: 150 * MB, limitBytes: 800 * MB });
  });

  it('is nothing, not less, where a group is beyond its limit', () => {
    const full = { ...V1, '/sys/fs/cgroup/memory/x/memory.usage_in_bytes': `${990 * MB}\n` };
    expect(readFreeMemory(from(full)).freeBytes).toBe(0);
  });

  it('is what ulimit leaves', () => {
    const limits = [
      'Limit                     Soft Limit           Hard Limit           Units',
      `Max data size             ${700 * MB}            unlimited            bytes`,
      'Max address space         unlimited            unlimited            bytes',
    ].join('\n');
    const status = `VmSize:\t  ${400 * 1024} kB\nVmData:\t  ${100 * 1024} kB\n`;
    const files = { '/proc/self/limits': limits, '/proc/self/status': status };
    expect(readFreeMemory(from(files))).toEqual({ freeBytes: 600 * MB, limitBytes: 700 * MB });
  });
});

describe('processes ended for want of memory', () => {
  it('are counted by the group, else by the machine', () => {
    const events = { ...V2, '/sys/fs/cgroup/user/app/memory.events': 'low 0\noom 3\noom_kill 2\n' };
    expect(readOutOfMemoryKills(from(events))).toBe(2);
    const control = { ...V1, '/sys/fs/cgroup/memory/x/memory.oom_control': 'under_oom 0\noom_kill 4\n' };
    expect(readOutOfMemoryKills(from(control))).toBe(4);
    expect(readOutOfMemoryKills(from({ '/proc/vmstat': 'nr_free_pages 5\noom_kill 7\n' }))).toBe(7);
    expect(readOutOfMemoryKills(from({}))).toBeNull();
  });
});
