/**
 * @file Makes the expanded copies of quantized matrices that stay on the device, with the very ops that a step would expand them by.
 */
import type { Device } from '../device/device.ts';
import type { FloatDType } from '../device/dtype.ts';
import { EagerRunner, toBindingAttrs } from '../device/eager-runner.ts';
import type { ValueId } from '../device/runner.ts';
import { expandStored, type FrozenMatrix, variablesOf } from './frozen-matrix.ts';

export interface CopyMaker {
  /** @param values of the matrix's variables; left alone. @returns the copy, owned by the caller */
  make(matrix: FrozenMatrix, values: ReadonlyMap<string, ValueId>): ValueId;
  dispose(): void;
}

export function openCopyMaker(device: Device, compute: FloatDType): CopyMaker {
  const runner = new EagerRunner(device);
  return {
    make(matrix, values) {
      for (const { name, dtype } of variablesOf(matrix)) {
        // A second handle on the same memory: the runner owns its variables.
        const attrs = toBindingAttrs({ T: { type: dtype } });
        runner.setVariable(name, device.executeOp('Identity', attrs, [values.get(name)!], 1)[0]!.id);
      }
      return runner.scope(
        () => expandStored(runner, matrix, compute, null),
        (copy) => [copy.id],
      ).id;
    },
    dispose: () => runner.dispose(),
  };
}
