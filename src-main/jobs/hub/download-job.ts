/**
 * @file The job that downloads a model's files: some at a time, each from where it was cut off, all checked before any has its name.
 */
import { AppError, Interrupted } from '../../../src-shared/domain/app-error.ts';
import type { DownloadProgress, HubFile } from '../../../src-shared/domain/hub.ts';
import { requireSpace } from '../disk-space.ts';
import { makeFolder } from '../make-folder.ts';
import { acquireLock } from '../run-lock.ts';
import { DISK_FULL_HINT, downloadDiskFull, downloadFile, type DownloadFileOptions } from './download-file.ts';
import {
  countDone,
  type DownloadPlan,
  lockFile,
  makeStaging,
  partFile,
  putInPlace,
  readPlan,
  removeParts,
  stagingFolder,
  takeBack,
  writePlan,
} from './download-folder.ts';
import { type HubAccess, openHub } from './hub-client.ts';
import { createTransferMeter, type TransferMeter } from './transfer-meter.ts';

export interface DownloadRequest {
  readonly access: HubAccess;
  readonly plan: DownloadPlan;
  /** Absolute path; made if it is not there. */
  readonly dir: string;
}

export interface DownloadJobContext {
  readonly signal: AbortSignal;
  readonly tell: (progress: DownloadProgress) => void;
  /** Tests have a disk that is full. */
  readonly write?: DownloadFileOptions['write'];
}

/** Large files share the line; small ones do not wait for them. */
const FILES_AT_A_TIME = 4;

/**
 * @returns the folder, which is a model now
 * @throws hub/…, disk/no-space, disk/full, download/at-work, Interrupted; what has come is kept, and the same request goes on from there
 */
export async function runDownloadJob(request: DownloadRequest, context: DownloadJobContext): Promise<{ dir: string }> {
  try {
    return await downloadInto(request, context);
  } catch (error) {
    // Of the lock or the plan, which say what is of use for runs.
    const isOther = error instanceof AppError && error.code === 'disk/full' && error.hint !== DISK_FULL_HINT;
    throw isOther ? downloadDiskFull(request.dir, error) : error;
  }
}

async function downloadInto(request: DownloadRequest, context: DownloadJobContext): Promise<{ dir: string }> {
  const { dir, plan } = request;
  await makeFolder(dir);
  await makeStaging(dir);
  const lock = await acquireLock(lockFile(dir), async (holder) => {
    throw new AppError('download/at-work', `${plan.model} is being downloaded to ${dir} by process ${holder.pid}`, {
      hint: 'Wait until it has ended, or stop it first.',
    });
  });
  try {
    await prepareFolder(dir, plan);
    const missingBytes = plan.files.reduce((sum, { bytes }) => sum + bytes, 0) - (await countDone(dir, plan));
    await requireSpace(dir, missingBytes, {
      what: `downloading ${plan.model}`,
      hint: 'Free some space there, or choose another folder for models (in Models, or --dir).',
    });
    await downloadAll(request, context);
    await putInPlace(dir, plan, Date.now());
    return { dir };
  } finally {
    await lock.release();
  }
}

/** What was begun of another commit of the model is of no use. @throws download/other-model */
async function prepareFolder(dir: string, plan: DownloadPlan): Promise<void> {
  const begun = await readPlan(dir);
  if (begun !== null && begun.model !== plan.model) {
    throw new AppError('download/other-model', `${dir} holds a download of ${begun.model} that was cut off`, {
      hint: `Choose another folder, or delete ${stagingFolder(dir)}.`,
    });
  }
  if (begun?.revision === plan.revision) await takeBack(dir, begun);
  else await removeParts(dir);
  await writePlan(dir, plan);
}

async function downloadAll({ access, plan, dir }: DownloadRequest, context: DownloadJobContext): Promise<void> {
  // The first failure stops the others, and is the one that is told.
  const failing = new AbortController();
  const signal = AbortSignal.any([context.signal, failing.signal]);
  const hub = openHub(access, { signal });
  const meter = createTransferMeter(plan.files, context.tell);
  const queue = [...plan.files].sort((a, b) => a.bytes - b.bytes);
  const common = { hub, signal, ...(context.write && { write: context.write }) };
  let failure: Error | null = null;
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await downloadOne(common, { file, plan, dir }, meter);
    }
  };
  const workers = Array.from({ length: FILES_AT_A_TIME }, () =>
    work().catch((error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
      failing.abort();
    }),
  );
  await Promise.all(workers);
  meter.flush();
  if (context.signal.aborted) throw new Interrupted(`The download of ${plan.model} was stopped; what has come is kept`);
  if (failure !== null) throw failure as Error;
}

async function downloadOne(
  common: Pick<DownloadFileOptions, 'hub' | 'signal' | 'write'>,
  { file, plan, dir }: { readonly file: HubFile; readonly plan: DownloadPlan; readonly dir: string },
  meter: TransferMeter,
): Promise<void> {
  const { model, revision, gated } = plan;
  meter.set(file.name, 0, 'checking');
  await downloadFile({
    ...common,
    subject: { model, revision, gated, file: file.name },
    file,
    part: partFile(dir, file.name),
    onProgress: (doneBytes, isChecking) => meter.set(file.name, doneBytes, isChecking ? 'checking' : 'downloading'),
    onWait: (reason) => meter.setWaiting(file.name, reason),
  });
  meter.set(file.name, file.bytes, 'done');
}
