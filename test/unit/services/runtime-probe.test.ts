/**
 * @file What a loaded runtime is understood to be, from its line and from TensorFlow's log as it was seen on a machine with a card.
 */
import { expect, it } from 'vitest';
import { readProbe } from '../../../src-main/services/runtime-probe.ts';

const line = (gpu: boolean, product = 6) => JSON.stringify({ version: '2.21.0', gpu, product, node: '24.21.0' });
const lacks = (name: string) =>
  `I0000 1048 dso_loader.cc:144] Could not load dynamic library '${name}'; dlerror: none\n`;

it('names the libraries that keep a card from being used', () => {
  const log = `dso_loader.cc:133] Successfully opened dynamic library libcublas.so.12\n${lacks('libcusolver.so.11')}`;
  expect(readProbe(line(false), log)).toEqual({
    version: '2.21.0',
    usesGpu: false,
    missingLibraries: ['libcusolver.so.11'],
  });
});

it('misses nothing where a card is used, and not the driver of a card that is not there', () => {
  expect(readProbe(line(true), lacks('libnvinfer.so.10'))).toMatchObject({ usesGpu: true, missingLibraries: [] });
  expect(readProbe(line(false), lacks('libcuda.so.1'))).toMatchObject({ missingLibraries: [] });
});

it('does not believe a runtime that computes wrongly', () => {
  expect(readProbe(line(true, 5), '')).toEqual({ fault: 'it computes 2 x 3 = 5' });
});
