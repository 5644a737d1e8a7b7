import { expect, it } from 'vitest';
import { jobEnvironment } from '../../../src-main/jobs/job-environment.ts';

it('asks for large pages beside what the user set', () => {
  expect(jobEnvironment({ HOME: '/h' })).toEqual({ HOME: '/h', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
  expect(jobEnvironment({ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' }, { A: 'b' })).toEqual({
    A: 'b',
    GLIBC_TUNABLES: 'glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1',
  });
});

it('leaves a choice of the user’s own', () => {
  const env = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' };
  expect(jobEnvironment(env)).toEqual(env);
  expect(jobEnvironment({}, env)).toEqual(env);
});
