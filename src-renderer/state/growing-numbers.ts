/**
 * @file A list of numbers that grows at its end. They lie outside the heap that is searched for garbage: a long run's figures cost a
 * pause of the page neither while they come nor while its curves are moved.
 */
const FIRST_ROOM = 256;

export class GrowingNumbers {
  #room = new Float64Array(FIRST_ROOM);
  #count = 0;
  #values: Float64Array | null = null;

  get count(): number {
    return this.#count;
  }

  /** As they are now, the same list until they change. It is a look at the memory, no copy: a value that is replaced later changes in it. */
  get values(): Float64Array {
    return (this.#values ??= this.#room.subarray(0, this.#count));
  }

  push(value: number): void {
    this.#makeRoom(1);
    this.#room[this.#count++] = value;
    this.#values = null;
  }

  append(values: readonly number[]): void {
    this.#makeRoom(values.length);
    this.#room.set(values, this.#count);
    this.#count += values.length;
    this.#values = null;
  }

  /** @param count of those that stay */
  cut(count: number): void {
    this.#count = Math.min(count, this.#count);
    this.#values = null;
  }

  #makeRoom(more: number): void {
    const wanted = this.#count + more;
    if (wanted <= this.#room.length) return;
    const larger = new Float64Array(Math.max(wanted, 2 * this.#room.length));
    larger.set(this.values);
    this.#room = larger;
  }
}
