/**
 * @file Room beside frozen matrices: who gets it, and that a step writes into the matrix's own memory there and nowhere else.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { CompiledProgram } from '../../../../src-main/engine/compile/compiled-program.ts';
import { EagerProgram } from '../../../../src-main/engine/compile/eager-program.ts';
import type { ProgramOptions } from '../../../../src-main/engine/compile/program.ts';
import type { Variable } from '../../../../src-main/engine/device/runner.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import type { UpdateSpec } from '../../../../src-main/engine/nn/weight-spec.ts';
import * as raw from '../../../../src-main/engine/ops/primitives.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';
import { copyToDevice } from '../../../../src-main/engine/weights/load-weights.ts';
import { addRoom, fillRoom, roomFor } from '../../../../src-main/engine/weights/room.ts';
import { openBinding } from '../support/open-binding.ts';

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

const PLAIN: UpdateSpec = { rank: 8, scale: 2, dropout: 0, scalingVector: false, dora: false };

describe('room', () => {
  it('is as wide as all ranks, rounded up', () => {
    expect(roomFor([PLAIN])).toBe(32);
    expect(roomFor([PLAIN, { ...PLAIN, rank: 16, scalingVector: true }, null, { ...PLAIN, rank: 16 }])).toBe(64);
  });

  it('is none without an update, and for those whose base must stand alone', () => {
    expect(roomFor([null, null])).toBe(0);
    expect(roomFor([PLAIN, { ...PLAIN, dropout: 0.1 }])).toBe(0);
    expect(roomFor([{ ...PLAIN, dora: true }])).toBe(0);
  });
});

describe.each(['eager', 'compiled'] as const)('%s', (mode) => {
  it.each([
    [64, 32],
    [48, 32],
    [15, 32],
  ])('a matrix of %i columns is written to in its %i of room, in place', (columns, room) => {
    const rows = 3;
    const matrix: Variable = { name: 'w', dtype: 'float32', shape: [rows, columns + room] };
    const options: ProgramOptions = {
      groups: { frozen: [matrix] },
      entries: [
        {
          name: 'fill',
          inputs: { beside: { dtype: 'float32', shape: [rows, room] } },
          run(runner, { beside }) {
            const filled = fillRoom(makeTensor(runner, runner.read(matrix), matrix.dtype, matrix.shape), beside!);
            return { sums: raw.sum(filled, [0]) };
          },
        },
      ],
    };
    const program = mode === 'eager' ? new EagerProgram(binding, options) : new CompiledProgram(binding, options);
    const values = Float32Array.from({ length: rows * columns }, (_, index) => index + 1);
    const id = copyToDevice(binding, values, 'float32', [rows, columns], 'float32');
    program.setVariables('frozen', new Map([['w', addRoom(binding, id, room, 'float32')]]));
    for (const factor of [1, -3]) {
      const beside = Float32Array.from({ length: rows * room }, (_, index) => factor * (index + 0.5));
      const { sums } = program.call('fill', {}, { beside });
      const wanted = Array.from({ length: rows }, (_, row) => [
        ...values.subarray(row * columns, (row + 1) * columns),
        ...beside.subarray(row * room, (row + 1) * room),
      ]);
      expect([...sums!]).toEqual(wanted[0]!.map((_, column) => wanted.reduce((sum, row) => sum + row[column]!, 0)));
      // Nothing was assigned: what the variable holds now was written into its memory.
      expect([...program.readVariables('frozen').get('w')!]).toEqual(wanted.flat());
    }
    program.dispose();
  });
});
