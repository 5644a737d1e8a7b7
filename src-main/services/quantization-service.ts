/**
 * @file Quantization reports, kept in the home: the same model and the same rows are measured once.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { KeptReport, QuantizeReport } from '../../src-shared/domain/quantize-report.ts';
import { quantizationSchema } from '../../src-shared/schema/run-config.ts';
import type { QuantizeReportOptions } from '../engine/recipes/contract.ts';
import { openModelFolder } from '../engine/formats/model-folder.ts';
import { writeFileAtomically } from '../jobs/atomic-files.ts';
import type { JobFollowing } from './inference-service.ts';
import { followDisposable, type JobRunner } from './job-runner.ts';

export type QuantizeReportRequest = Omit<QuantizeReportOptions, 'host'>;

export interface QuantizationService {
  /** @param fresh measure even if it was measured before. @throws what the recipe throws */
  report(request: QuantizeReportRequest, following?: JobFollowing & { readonly fresh?: boolean }): Promise<KeptReport>;
  /** What was measured before, null without. @throws model/… */
  find(request: QuantizeReportRequest): Promise<KeptReport | null>;
}

/** Another number: reports of before are measured anew. */
const FORMAT = 1;

const errorFields = { mean_error: z.number(), max_error: z.number(), relative_error: z.number() };
const keptSchema = z.object({
  measured_at: z.number(),
  report: z.object({
    parameters: z.number(),
    linear_parameters: z.number(),
    rows: z.number(),
    tokens: z.number(),
    storages: z.array(
      z.object({
        quantization: quantizationSchema,
        bits_per_parameter: z.number(),
        weight_bytes: z.number(),
        cache_bytes: z.number(),
        ...errorFields,
        modules: z.array(z.object({ module: z.string(), ...errorFields })),
        eval_loss: z.number(),
        perplexity: z.number().nullable(),
        tokens_per_second: z.number(),
      }),
    ),
    recommendation: z.object({ quantization: quantizationSchema, reason: z.string() }),
  }),
});

export function createQuantizationService(home: string, jobs: JobRunner): QuantizationService {
  const folder = path.join(home, 'quantize-reports');
  const fileOf = async (request: QuantizeReportRequest) => path.join(folder, `${await keyOf(request)}.json`);
  return {
    async find(request) {
      const known = await readKept(await fileOf(request));
      return known && { ...known, cached: true };
    },
    async report(request, { signal, onEvent, fresh = false } = {}) {
      const file = await fileOf(request);
      const known = fresh ? null : await readKept(file);
      if (known) return { ...known, cached: true };
      const report = await followDisposable(await jobs.start('quantizeReport', request, { onEvent }), signal);
      const kept = { measured_at: Date.now(), report };
      await mkdir(folder, { recursive: true });
      await writeFileAtomically(file, `${JSON.stringify(kept)}\n`);
      return { ...kept, cached: false };
    },
  };
}

/** Changes with the weights, the rows and how they are read. @throws model/…, file/not-found */
async function keyOf({ modelDir, data, maxRows }: QuantizeReportRequest): Promise<string> {
  const folder = await openModelFolder(modelDir);
  const hash = createHash('sha256');
  try {
    hash.update(JSON.stringify([FORMAT, await folder.fingerprint(), { ...data, paths: [] }, maxRows]));
  } finally {
    await folder.close();
  }
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    hash.update(await readFile(path.join(modelDir, name)).catch(() => ''));
  }
  for (const file of data.paths) {
    // A file that is not there is the job's to explain.
    await addFile(hash, file).catch(() => hash.update(file));
  }
  return hash.digest('hex');
}

async function addFile(hash: ReturnType<typeof createHash>, file: string): Promise<void> {
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
}

/** What cannot be read is measured anew. */
async function readKept(file: string): Promise<{ report: QuantizeReport; measured_at: number } | null> {
  try {
    const parsed = keptSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
