/**
 * @file Reads config.json field by field, collecting every fault instead of stopping at the first.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';

export class ConfigReader {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly #file: string;
  readonly #faults: Fault[] = [];

  constructor(config: Readonly<Record<string, unknown>>, file = 'config.json') {
    this.raw = config;
    this.#file = file;
  }

  /** A positive whole number. */
  int(key: string, fallback?: number): number {
    const value = this.raw[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
    this.fault(
      key,
      value === undefined ? 'is missing' : `must be a positive whole number, got ${JSON.stringify(value)}`,
    );
    return 1;
  }

  number(key: string, fallback?: number): number {
    const value = this.raw[key] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.fault(key, value === undefined ? 'is missing' : `must be a number, got ${JSON.stringify(value)}`);
    return 1;
  }

  bool(key: string, fallback: boolean): boolean {
    const value = this.raw[key] ?? fallback;
    if (typeof value === 'boolean') return value;
    this.fault(key, `must be true or false, got ${JSON.stringify(value)}`);
    return fallback;
  }

  text(key: string, fallback: string): string {
    const value = this.raw[key] ?? fallback;
    if (typeof value === 'string') return value;
    this.fault(key, `must be a text, got ${JSON.stringify(value)}`);
    return fallback;
  }

  object(key: string): Readonly<Record<string, unknown>> | null {
    const value = this.raw[key];
    if (value === null || value === undefined) return null;
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    this.fault(key, 'must be an object');
    return null;
  }

  fault(field: string, message: string): void {
    this.#faults.push({ file: this.#file, field, message });
  }

  /** Ends the reading. @throws model/bad-config with all faults. */
  finish(): void {
    if (this.#faults.length === 0) return;
    const list = this.#faults.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new AppError('model/bad-config', `${this.#file}: ${list}`, {
      faults: this.#faults,
      hint: 'Get the model folder again, or correct its config.json.',
    });
  }
}
