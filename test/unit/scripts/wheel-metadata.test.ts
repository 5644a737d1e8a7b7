import { expect, it } from 'vitest';
import { requirementsOfExtra } from '../../../scripts/setup/wheel-metadata.mjs';

/** Lines of tensorflow_cpu-2.21.0.dist-info/METADATA, cut down; the text after the blank line is the description. */
const METADATA = `Metadata-Version: 2.4
Name: tensorflow_cpu
Version: 2.21.0
Requires-Dist: absl-py>=1.0.0
Requires-Dist: gast!=0.5.0,!=0.5.1,!=0.5.2,>=0.2.1
Provides-Extra: and-cuda
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"
Requires-Dist: nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; extra == 'and-cuda'
Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7; extra == "and-cuda"
Provides-Extra: gcs-filesystem
Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (sys_platform != "win32" and python_version < "3.13") and extra == "gcs-filesystem"

Requires-Dist: not-a-header; extra == "and-cuda"
`;

it('lists the requirements of one group as pip takes them', () => {
  expect(requirementsOfExtra(METADATA, 'and-cuda')).toEqual([
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
    'nvidia-nccl-cu12<3.0,>=2.27.7',
  ]);
});

it('reads Windows line ends', () => {
  expect(requirementsOfExtra(METADATA.replaceAll('\n', '\r\n'), 'and-cuda')).toHaveLength(3);
});

it('gives nothing for a group that is not there', () => {
  expect(requirementsOfExtra(METADATA, 'and-rocm')).toEqual([]);
});

it('refuses a group with further conditions instead of guessing', () => {
  expect(() => requirementsOfExtra(METADATA, 'gcs-filesystem')).toThrow(/cannot read the condition/);
});
