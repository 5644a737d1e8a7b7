/**
 * @file How it looks when memory runs out.
 */

/** V8's arrays, TensorFlow's allocator, the C++ library, the system. */
const OUT_OF_MEMORY =
  /heap out of memory|Array buffer allocation failed|Invalid typed array length|bad_alloc|RESOURCE_EXHAUSTED|OOM when allocating|Cannot allocate memory|ENOMEM/i;

/** True for text that a process prints, or an error says, when memory ran out. */
export function saysOutOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}
