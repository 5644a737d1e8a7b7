/**
 * @file Models as the terminal shows them.
 */
import type { HubModel } from '../../src-shared/domain/hub.ts';
import { WASM_HEAP_BYTES, WASM_MOST_PARAMETERS } from '../../src-shared/domain/memory-model.ts';
import type { ListedModel, ModelFit } from '../../src-shared/domain/models.ts';
import { formatBytes, formatTable } from './format.ts';

const PRECISION_WORDS: Readonly<Record<ModelFit['precision'], string>> = {
  f32: '32-bit',
  bf16: '16-bit',
  int8: '8-bit',
  nf4: '4-bit',
};

/** What it takes on, in words. */
const WASM_LIMITS = `at most ${WASM_MOST_PARAMETERS / 1e6} million parameters and ${formatBytes(WASM_HEAP_BYTES)}`;

/** Whether it fits, with the reason: `fits in 4-bit, needs 3.1 GB`. */
export function describeFit(fit: ModelFit | null): string {
  if (fit === null) return 'cannot be judged';
  const needed = formatBytes(fit.needed_bytes);
  if (fit.limit === 'wasm') return `is too large for the wasm engine: ${WASM_LIMITS}`;
  if (fit.verdict === 'too-much') return `is too large: needs ${needed}, ${formatBytes(fit.available_bytes)} free`;
  return `${fit.verdict === 'fits' ? 'fits' : 'just fits'} in ${PRECISION_WORDS[fit.precision]}, needs ${needed}`;
}

export function describeList(models: readonly ListedModel[]): string {
  const rows = models.map(({ name, source, model_type, size_bytes, context_tokens, licence, fit, ...rest }) => [
    name,
    source,
    rest.supported ? model_type : `${model_type} (not supported)`,
    formatBytes(size_bytes),
    context_tokens === null ? '-' : String(context_tokens),
    licence ?? '-',
    describeFit(fit),
    rest.usable ? rest.path : `${rest.path} (gone or damaged)`,
  ]);
  return formatTable(['NAME', 'FROM', 'TYPE', 'SIZE', 'CONTEXT', 'LICENCE', 'FITS', 'FOLDER'], rows);
}

export function describeFound(models: readonly HubModel[]): string {
  if (models.length === 0) return 'Nothing was found. Try fewer or other words.';
  const rows = models.map(({ id, model_type, size_bytes, downloads, licence, gated, faults, fit, path }) => [
    id,
    model_type ?? '-',
    size_bytes === null ? '-' : formatBytes(size_bytes),
    downloads.toLocaleString('en'),
    licence ?? '-',
    gated ? 'gated' : '-',
    faults.length > 0 ? `no: ${faults[0]?.message}` : path === null ? describeFit(fit) : `here: ${path}`,
  ]);
  return formatTable(['MODEL', 'TYPE', 'SIZE', 'DOWNLOADS', 'LICENCE', 'ACCESS', 'USABLE'], rows);
}
