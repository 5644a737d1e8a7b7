/**
 * @file A home with a tiny model and rows that count on, opened in the browser with the real engine.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { writeTinyModel } from '../../recipe/support/tiny-model.ts';
import { makeFolder } from '../../unit/jobs/support/start-fake.ts';
import { type OpenBrowser, openBrowser } from './open-contract.ts';

export interface TinyHome {
  readonly home: string;
  readonly browser: OpenBrowser;
  /** A short run of the model in `tiny` on `rows.jsonl`. */
  readonly config: RunConfig;
  close(): Promise<void>;
}

export async function openTinyHome(): Promise<TinyHome> {
  const home = makeFolder();
  await writeTinyModel(path.join(home, 'tiny'));
  const rows = Array.from({ length: 30 }, (_, row) => JSON.stringify({ prompt: `${row}?`, completion: `${row + 1}` }));
  writeFileSync(path.join(home, 'rows.jsonl'), `${rows.join('\n')}\n`);
  const browser = await openBrowser(home, { engine: 'real' });
  return {
    home,
    browser,
    config: {
      name: 'Count on',
      model: { path: path.join(home, 'tiny') },
      data: { train: [path.join(home, 'rows.jsonl')], max_length: 64 },
      quantization: {},
      peft: { r: 4 },
      training: { max_steps: 6, save_steps: 3 },
    },
    async close() {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
