/**
 * @file Runs the entries op by op: the reference in tests, the fall-back, and the way of the wasm engine.
 */
import type { Device } from '../device/device.ts';
import { evaluateDim } from '../device/dim.ts';
import { EagerRunner } from '../device/eager-runner.ts';
import type { HostArray, ValueId } from '../device/runner.ts';
import { makeTensor, type Tensor } from '../ops/tensor.ts';
import { type HostResult, inputOf, type Program, type ProgramOptions, type Sizes } from './program.ts';

export class EagerProgram implements Program {
  readonly mode = 'eager';
  readonly fuses = false;
  readonly #device: Device;
  readonly #runner: EagerRunner;
  readonly #options: ProgramOptions;

  constructor(device: Device, options: ProgramOptions) {
    this.#device = device;
    this.#runner = new EagerRunner(device);
    this.#options = options;
  }

  setVariables(group: string, values: ReadonlyMap<string, ValueId>): void {
    for (const { name } of this.#options.groups[group] ?? []) {
      const id = values.get(name);
      if (id === undefined) throw new Error(`internal: no value for the variable ${name}`);
      this.#runner.setVariable(name, id);
    }
  }

  readVariables(group: string): Map<string, Float32Array<ArrayBuffer>> {
    const variables = this.#options.groups[group] ?? [];
    return new Map(
      variables.map((variable) => {
        const data = this.#device.tensorDataSync(this.#runner.read(variable)) as Float32Array;
        return [variable.name, new Float32Array(data)];
      }),
    );
  }

  call(name: string, sizes: Sizes, inputs: Readonly<Record<string, HostArray>>): Record<string, HostResult> {
    const entry = inputOf(this.#options.entries, name);
    return this.#runner.runStep(sizes, () => {
      const tensors: Record<string, Tensor> = {};
      for (const [input, { dtype, shape }] of Object.entries(entry.inputs)) {
        const known = shape.map((dim) => evaluateDim(dim, sizes));
        const id = this.#runner.input(inputs[input]!, dtype, known);
        tensors[input] = makeTensor(this.#runner, id, dtype, shape);
      }
      const outputs = entry.run(this.#runner, tensors);
      const results = Object.entries(outputs).map(([output, { id }]) => [output, this.#device.tensorDataSync(id)]);
      return Object.fromEntries(results) as Record<string, HostResult>;
    });
  }

  dispose(): void {
    this.#runner.dispose();
  }
}
