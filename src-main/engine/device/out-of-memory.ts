/**
 * @file How it looks when memory runs out.
 */

/** V8, its arrays, TensorFlow's allocator and threads, the C++ library, the system. */
const OUT_OF_MEMORY = new RegExp(
  [
    'out of memory',
    'Array buffer allocation failed',
    'Invalid typed array length',
    'RESOURCE_EXHAUSTED',
    'OOM when allocating',
    // oneDNN's own code for it.
    'Status: 1, message',
    'pthread_create\\(\\) failed',
    'mmap error: 12',
    'bad_alloc',
    'failed to map segment',
    'Cannot allocate memory',
    'ENOMEM',
  ].join('|'),
  'i',
);

/** True for text that a process prints, or an error says, when memory ran out. */
export function saysOutOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}
