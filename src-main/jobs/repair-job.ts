/**
 * @file The job that copies data files without the rows that stand in the way.
 */
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RepairedFile } from '../../src-shared/domain/data-report.ts';
import { repairData } from '../engine/data/repair.ts';
import { type JobContext, stampEvent } from './job-process.ts';
import { makeFolder } from './make-folder.ts';
import type { RepairRequest } from './protocol.ts';

/** @throws data/not-repairable, data/nothing-left, disk/full, Interrupted */
export async function runRepairJob(request: RepairRequest, context: JobContext): Promise<RepairedFile[]> {
  const { leave_out: leaveOut, task_type: taskType, outputDir, ...rest } = request;
  context.send(stampEvent({ event: 'progress', phase: 'Reading rows', fraction: null }));
  let written = 0;
  return repairData({
    ...rest,
    taskType,
    leaveOut,
    signal: context.signal,
    async write(file, lines) {
      const name = path.parse(file).name;
      context.send(stampEvent({ event: 'progress', phase: `Writing ${name}`, fraction: null }));
      // Two files may have one name in different folders.
      const dir = path.join(outputDir, String(++written));
      await makeFolder(dir);
      const target = path.join(dir, `${name}.jsonl`);
      await pipeline(Readable.from(lines), createWriteStream(`${target}.partial`));
      await rename(`${target}.partial`, target);
      return target;
    },
  });
}
