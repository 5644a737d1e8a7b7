/**
 * @file Reads config.json field by field, collecting every fault instead of stopping at the first.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { type Activation, ACTIVATIONS, findActivation } from '../ops/activation.ts';

export type RawConfig = Readonly<Record<string, unknown>>;

/** What was found wrong with a configuration that is read in spite of its faults. */
export interface ForgivenConfig {
  readonly config: RawConfig;
  /** Filled while a model is made of it. */
  readonly faults: Fault[];
  /** Whether all sizes could be read: else those of the model mean nothing. */
  sizesAreKnown: boolean;
}

const forgiven = new WeakMap<RawConfig, ForgivenConfig>();

/** The same configuration, of which a model is made in spite of its faults, to see what else differs. */
export function forgiveFaults(config: RawConfig): ForgivenConfig {
  const kept = { config: { ...config }, faults: [], sizesAreKnown: true };
  forgiven.set(kept.config, kept);
  return kept;
}

/**
 * Settings that change what some families compute, with the values that change nothing. A family that reads one knows what to do; where
 * it does not, the model is not what its model_type says.
 */
const COMPUTING: Readonly<Record<string, readonly unknown[]>> = {
  attention_multiplier: [null, 1],
  attn_logit_softcapping: [null, 0],
  clip_qkv: [null],
  embedding_multiplier: [null, 1],
  final_logit_softcapping: [null, 0],
  logit_scale: [null, 1],
  logits_scaling: [null, 1],
  n_routed_experts: [null, 0, 1],
  num_experts: [null, 0, 1],
  num_local_experts: [null, 0, 1],
  qk_layernorm: [null, false],
  qk_norm: [null, false],
  residual_multiplier: [null, 1],
  use_qk_norm: [null, false],
};

export class ConfigReader {
  readonly #raw: RawConfig;
  readonly #asked = new Set<string>();
  #sizesAreKnown = true;
  readonly #otherNames: Readonly<Record<string, readonly string[]>>;
  readonly #file = 'config.json';
  readonly #faults: Fault[] = [];

  /** @param otherNames what this family's files call a key, for instance `hidden_size: ['n_embd']`; the key itself is understood too */
  constructor(config: RawConfig, otherNames: Readonly<Record<string, readonly string[]>> = {}) {
    this.#raw = config;
    this.#otherNames = otherNames;
  }

  /** The value as it is; undefined where it is not in the file. */
  value(key: string): unknown {
    const name = this.#nameOf(key);
    this.#asked.add(name);
    return this.#raw[name];
  }

  /** The name in the file; of a value that is missing, the family's own. */
  #nameOf(key: string): string {
    const others = this.#otherNames[key] ?? [];
    return [...others, key].find((name) => this.#raw[name] !== undefined) ?? others[0] ?? key;
  }

  /** A positive whole number. */
  int(key: string, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    this.#sizesAreKnown = false;
    this.fault(
      key,
      value === undefined ? 'is missing' : `must be a positive whole number, got ${JSON.stringify(value)}`,
    );
    return 1;
  }

  /** A positive whole number or null; `fallback` where nothing is said. */
  intOrNull(key: string, fallback: number | null): number | null {
    const value = this.value(key);
    if (value === null) return null;
    return value === undefined && fallback === null ? null : this.int(key, fallback ?? undefined);
  }

  /** A number or null; `fallback` where nothing is said. */
  numberOrNull(key: string, fallback: number | null): number | null {
    const value = this.value(key);
    if (value === null) return null;
    return value === undefined && fallback === null ? null : this.number(key, fallback ?? undefined);
  }

  number(key: string, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.fault(key, value === undefined ? 'is missing' : `must be a number, got ${JSON.stringify(value)}`);
    return 1;
  }

  bool(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    this.fault(key, `must be true or false, got ${JSON.stringify(value)}`);
    return fallback;
  }

  text(key: string, fallback: string): string {
    const value = this.value(key) ?? fallback;
    if (typeof value === 'string') return value;
    this.fault(key, `must be a text, got ${JSON.stringify(value)}`);
    return fallback;
  }

  object(key: string): Readonly<Record<string, unknown>> | null {
    const value = this.value(key);
    if (value === null || value === undefined) return null;
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    this.fault(key, 'must be an object');
    return null;
  }

  /** One value for each layer, or null where nothing is said. */
  perLayer(key: string, layers: number): readonly unknown[] | null {
    const value = this.value(key);
    if (value === null || value === undefined) return null;
    if (Array.isArray(value) && value.length >= layers) return (value as readonly unknown[]).slice(0, layers);
    this.fault(key, `must list one value for each of the ${layers} layers`);
    return null;
  }

  activation(key: string, fallback: Activation): Activation {
    const name = this.text(key, fallback);
    const known = findActivation(name);
    if (!known) this.fault(key, `"${name}" is not known; known are ${ACTIVATIONS.join(', ')}`);
    return known ?? fallback;
  }

  /** A switch that must be off: on, it makes another model of it. */
  requireOff(key: string, why: string): void {
    if (this.bool(key, false)) this.fault(key, `is true: ${why}`);
  }

  fault(key: string, message: string): void {
    this.#faults.push({ file: this.#file, field: this.#nameOf(key), message });
  }

  /** False once a size could not be read: what follows from it says nothing. */
  get sizesAreKnown(): boolean {
    return this.#sizesAreKnown;
  }

  /** Everything wrong so far. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** Ends the reading. @throws model/bad-config with all faults, unless they are forgiven. */
  finish(): void {
    this.#refuseUnreadSettings();
    if (this.#faults.length === 0) return;
    const kept = forgiven.get(this.#raw);
    if (kept) {
      kept.faults.push(...this.#faults);
      kept.sizesAreKnown &&= this.#sizesAreKnown;
      return;
    }
    const list = this.#faults.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new AppError('model/bad-config', `${this.#file}: ${list}`, {
      faults: this.#faults,
      hint: 'Get the model folder again, or correct its config.json.',
    });
  }

  #refuseUnreadSettings(): void {
    for (const [key, harmless] of Object.entries(COMPUTING)) {
      const value = this.#raw[key];
      if (value === undefined || this.#asked.has(key) || harmless.includes(value)) continue;
      this.fault(key, `is ${JSON.stringify(value)}, which this architecture does not compute with here`);
    }
  }
}
