/**
 * @file Entry of a job process for data files. It loads neither an engine nor a device; its parent limits its memory and time.
 */
import { runJobProcess } from './job-process.ts';

runJobProcess({ inspect: async () => (await import('./inspect-job.ts')).runInspectJob });
