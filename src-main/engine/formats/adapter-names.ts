/**
 * @file Names of adapter tensors: as PEFT saves them, and as the engine knows them.
 *
 * PEFT saves `base_model.model.<module>.lora_A.weight`, its bias as `<module>.base_layer.bias`. The engine leaves away the prefix, the
 * name of the adapter and `base_layer`: `<module>.lora_A.weight`, `<module>.bias`. Quasi-LoRA adds `<module>.scaling_vector`.
 */

/** What a tensor of an adapter is. `weights` = a bias or a tensor of a module saved whole. */
export type AdapterPart =
  | 'lora_A'
  | 'lora_B'
  | 'lora_embedding_A'
  | 'lora_embedding_B'
  | 'lora_magnitude_vector'
  | 'scaling_vector'
  | 'weights';

export interface AdapterName {
  /** The engine's name. */
  readonly name: string;
  /** Path of the module. */
  readonly module: string;
  readonly part: AdapterPart;
}

/** Head of models that share its weight with the token embedding. */
export const TIED_HEAD = 'lm_head';
export const TIED_HEAD_WEIGHT = `${TIED_HEAD}.weight`;

const PREFIX = 'base_model.model.';
/** Parts with their endings in files; an adapter name may stand in between, as older versions wrote it. */
const PART =
  /^(.+)\.(lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector|scaling_vector)(\.default)?(\.weight)?$/;
const ENDINGS: Readonly<Record<Exclude<AdapterPart, 'weights'>, string>> = {
  lora_A: 'lora_A.weight',
  lora_B: 'lora_B.weight',
  lora_embedding_A: 'lora_embedding_A',
  lora_embedding_B: 'lora_embedding_B',
  lora_magnitude_vector: 'lora_magnitude_vector',
  scaling_vector: 'scaling_vector',
};

/** Splits one of the engine's names. */
export function splitAdapterName(name: string): AdapterName {
  const [, module, part] = PART.exec(name) ?? [];
  if (module !== undefined && part !== undefined) return { name, module, part: part as AdapterPart };
  return { name, module: name.slice(0, Math.max(0, name.lastIndexOf('.'))), part: 'weights' };
}

/** The engine's name of a module's part. */
export function adapterName(module: string, part: Exclude<AdapterPart, 'weights'>): string {
  return `${module}.${ENDINGS[part]}`;
}

/** Reads a name as PEFT saves it. @returns null where it is no such name; `isBase` for a frozen weight that PEFT saved along */
export function fromPeftName(saved: string): (AdapterName & { readonly isBase: boolean }) | null {
  if (!saved.startsWith(PREFIX)) return null;
  const rest = saved.slice(PREFIX.length);
  const [, module, part] = PART.exec(rest) ?? [];
  if (module !== undefined && part !== undefined) {
    const known = part as Exclude<AdapterPart, 'weights'>;
    return { name: adapterName(module, known), module, part: known, isBase: false };
  }
  if (/\.lora_/.test(rest)) return null;
  const name = rest.replace(/\.base_layer(\.\w+)$/, '$1').replace(/\.modules_to_save(\.default)?(?=\.)/, '');
  const isBase = rest.endsWith('.base_layer.weight');
  return { ...splitAdapterName(name), isBase };
}

/** The name as PEFT saves it. @param adapted modules that have A and B: PEFT wraps them, which shows in the names of their biases */
export function toPeftName(name: string, adapted: ReadonlySet<string>): string {
  const { module, part } = splitAdapterName(name);
  if (part !== 'weights' || !adapted.has(module)) return PREFIX + name;
  return `${PREFIX}${module}.base_layer${name.slice(module.length)}`;
}

/**
 * Whether `modules_to_save` means this module or one around it. As in PEFT, the end of a path is enough, without a dot before it: "norm"
 * means `input_layernorm` too.
 */
export function isTrainedWhole(path: string, names: readonly string[]): boolean {
  const parts = path.split('.');
  return parts.some((_, index) => {
    const around = parts.slice(0, index + 1).join('.');
    return names.some((name) => around.endsWith(name));
  });
}
