/**
 * @file Loads a runtime's binding and prints what it is, as one line of JSON. Its own process, because TensorFlow keeps its
 * memory until the process ends, and because a library that does not fit the CPU ends the process that loads it.
 *
 * Usage: node probe-binding.mjs PATH/tfjs_binding.node
 */
import { createRequire } from 'node:module';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
const require = createRequire(import.meta.url);
const binding = require(/** @type {string} */ (process.argv[2]));
const product = multiplyOnce();
const line = { version: binding.TF_Version, gpu: binding.isUsingGpuDevice(), product, node: process.versions.node };
process.stdout.write(`${JSON.stringify(line)}\n`);

/** One tiny product (2 x 3 = 6) shows that kernels run, not only that the file loads. */
function multiplyOnce() {
  const DT_FLOAT = 1;
  const ids = [2, 3].map((value) => binding.createTensor([1], DT_FLOAT, new Float32Array([value])));
  const typeAttr = { name: 'T', type: binding.TF_ATTR_TYPE, value: DT_FLOAT };
  const [output] = binding.executeOp('Mul', [typeAttr], ids, 1);
  return binding.tensorDataSync(output.id)[0];
}
