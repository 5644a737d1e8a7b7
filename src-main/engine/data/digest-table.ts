/**
 * @file Remembers which contents were seen, and where first: 18 bytes and a little air for each distinct row, whatever its length.
 *
 * Open addressing over typed arrays; 64-bit digests, so among a million rows a false match is a one in thirty million event.
 */

/** Where a content was seen first. */
export interface SeenAt {
  /** Number that the caller gave to the file. */
  readonly file: number;
  readonly line: number;
}

export interface DigestTable {
  readonly size: number;
  find(digest: bigint): SeenAt | null;
  /** @returns where the digest was seen before; null where it is new, and then it is remembered. */
  addOrFind(digest: bigint, place: SeenAt): SeenAt | null;
}

export function createDigestTable(): DigestTable {
  let slots = allocate(1 << 12);
  let size = 0;
  const slotOf = (table: Slots, digest: bigint): number => {
    const mask = table.files.length - 1;
    let slot = Number(digest & BigInt(mask));
    while (table.files[slot] !== 0 && table.digests[slot] !== digest) slot = (slot + 1) & mask;
    return slot;
  };
  const placeAt = (slot: number): SeenAt => ({ file: slots.files[slot]! - 1, line: slots.lines[slot]! });
  const grow = (): void => {
    const larger = allocate(slots.files.length * 2);
    for (let index = 0; index < slots.files.length; index++) {
      if (slots.files[index] === 0) continue;
      const slot = slotOf(larger, slots.digests[index]!);
      larger.digests[slot] = slots.digests[index]!;
      larger.files[slot] = slots.files[index]!;
      larger.lines[slot] = slots.lines[index]!;
    }
    slots = larger;
  };
  return {
    get size() {
      return size;
    },
    find: (digest) => {
      const slot = slotOf(slots, digest);
      return slots.files[slot] === 0 ? null : placeAt(slot);
    },
    addOrFind: (digest, { file, line }) => {
      let slot = slotOf(slots, digest);
      if (slots.files[slot] !== 0) return placeAt(slot);
      if (++size > slots.files.length * 0.7) {
        grow();
        slot = slotOf(slots, digest);
      }
      slots.digests[slot] = digest;
      slots.files[slot] = file + 1;
      slots.lines[slot] = line;
      return null;
    },
  };
}

interface Slots {
  readonly digests: BigUint64Array;
  /** File number + 1; 0 = free. */
  readonly files: Uint16Array;
  readonly lines: Uint32Array;
}

function allocate(count: number): Slots {
  return { digests: new BigUint64Array(count), files: new Uint16Array(count), lines: new Uint32Array(count) };
}
