/**
 * @file Which TensorFlow goes where: wheel, libraries in it, sizes. The runtime is the C++ library inside the Python wheel;
 * no Python runs in the product.
 *
 * Verified on linux-x64 with the CPU wheel. The CUDA wheel has the same library names and looks for NVIDIA's libraries in
 * `../nvidia/<name>/lib` beside itself, so their wheels are unpacked there and only a driver is needed. macOS arm64 follows
 * the same plan but was not run. Other platforms have no usable wheel: the app stays on the wasm engine there.
 */

export const TENSORFLOW_VERSION = '2.21.0';

/** @typedef {'cpu' | 'cuda'} RuntimeKind */
/**
 * @typedef {object} RuntimeSpec
 * @property {RuntimeKind} kind
 * @property {string} version
 * @property {string} platform `process.platform-process.arch`, with `linux` etc. spelled as Node does
 * @property {string} directory name of its folder below `<cache>/runtime`
 * @property {string} requirement what pip fetches
 * @property {string[]} pipPlatforms wheel platform tags that fit, best first
 * @property {string[]} libraries files taken from the wheel's tensorflow/ folder
 * @property {[string, string][]} links name that the linker looks for -> library
 * @property {[string, string][]} runtimeLinks link below the runtime's folder -> what it points to, from there
 * @property {string} extra dependency group of the wheel that is unpacked too, or '' for none
 * @property {number} downloadBytes
 * @property {number} diskBytes peak while installing: wheel, pip's copy, unpacked files
 * @property {string} sha256 of the main wheel, '' where it is not pinned (pip still checks the index's own hash)
 */

/** @type {Record<string, Omit<RuntimeSpec, 'kind' | 'version' | 'platform' | 'directory'>>} */
const SPECS = {
  'cpu linux-x64': {
    requirement: `tensorflow-cpu==${TENSORFLOW_VERSION}`,
    pipPlatforms: ['manylinux_2_27_x86_64'],
    libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
    links: [
      ['libtensorflow_cc.so', 'libtensorflow_cc.so.2'],
      ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
    ],
    runtimeLinks: [],
    extra: '',
    downloadBytes: 273_829_956,
    diskBytes: 1_500_000_000,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  'cuda linux-x64': {
    requirement: `tensorflow==${TENSORFLOW_VERSION}`,
    // NVIDIA's wheels carry older tags than TensorFlow's own, and pip takes only the tags that it is given.
    pipPlatforms: [
      'manylinux_2_27_x86_64',
      'manylinux_2_18_x86_64',
      'manylinux_2_17_x86_64',
      'manylinux2014_x86_64',
      'manylinux_2_12_x86_64',
      'manylinux2010_x86_64',
      'manylinux_2_5_x86_64',
      'manylinux1_x86_64',
    ],
    libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
    links: [
      ['libtensorflow_cc.so', 'libtensorflow_cc.so.2'],
      ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
    ],
    // The library's run path names every folder of NVIDIA's wheels but cuSOLVER's; without it no card is used at all.
    runtimeLinks: [['nvidia/cusparse/lib/libcusolver.so.11', '../../cusolver/lib/libcusolver.so.11']],
    extra: 'and-cuda',
    downloadBytes: 572_000_000,
    diskBytes: 12_000_000_000,
    sha256: '',
  },
  'cpu darwin-arm64': {
    requirement: `tensorflow==${TENSORFLOW_VERSION}`,
    pipPlatforms: ['macosx_12_0_arm64'],
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
    links: [
      ['libtensorflow_cc.dylib', 'libtensorflow_cc.2.dylib'],
      ['libtensorflow_framework.dylib', 'libtensorflow_framework.2.dylib'],
    ],
    runtimeLinks: [],
    extra: '',
    downloadBytes: 0,
    diskBytes: 2_500_000_000,
    sha256: '',
  },
};

/**
 * @param {RuntimeKind} kind
 * @param {NodeJS.Platform} [platform]
 * @param {NodeJS.Architecture} [arch]
 * @returns {RuntimeSpec | null} null where this platform has no such runtime
 */
export function runtimeSpec(kind, platform = process.platform, arch = process.arch) {
  const name = `${platform}-${arch}`;
  const spec = SPECS[`${kind} ${name}`];
  if (!spec) return null;
  const directory = `tensorflow-${kind}-${TENSORFLOW_VERSION}-${name}`;
  return { kind, version: TENSORFLOW_VERSION, platform: name, directory, ...spec };
}
