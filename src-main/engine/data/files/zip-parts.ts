/**
 * @file Unpacks chosen parts of a ZIP archive under a limit on what they unpack to, and packs them again without compression.
 *
 * A spreadsheet is a ZIP archive. The library that reads it unpacks by the local headers and has no limits, so it never gets the
 * user's file: it gets a fresh archive that holds only the parts that were unpacked and counted here. Sizes that the archive's
 * directory claims are believed only to refuse early; what is really unpacked is counted.
 */
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';

export type ZipParts = ReadonlyMap<string, Buffer>;

/** Thrown where the parts unpack to more than allowed. */
export class ZipTooLarge extends Error {}

/**
 * Unpacks the wanted entries.
 * @throws ZipTooLarge, or Error where the archive is damaged or encrypted
 */
export async function unpackZipParts(
  file: string,
  isWanted: (name: string) => boolean,
  maxBytes: number,
): Promise<ZipParts> {
  const archive = await yauzl.openPromise(file, { autoClose: false, lazyEntries: true });
  try {
    const wanted: yauzl.Entry[] = [];
    let claimed = 0;
    for await (const entry of archive.eachEntry()) {
      if (!isWanted(entry.fileName)) continue;
      if (entry.isEncrypted()) throw new Error('it is encrypted');
      wanted.push(entry);
      claimed += entry.uncompressedSize;
      if (claimed > maxBytes || wanted.length > 10_000) throw new ZipTooLarge();
    }
    const parts = new Map<string, Buffer>();
    let total = 0;
    for (const entry of wanted) {
      const pieces: Buffer[] = [];
      const stream = await archive.openReadStreamPromise(entry);
      for await (const piece of stream as AsyncIterable<Buffer>) {
        total += piece.length;
        if (total > maxBytes) throw new ZipTooLarge();
        pieces.push(piece);
      }
      parts.set(entry.fileName, Buffer.concat(pieces));
    }
    return parts;
  } finally {
    archive.close();
  }
}

/** Packs parts as a ZIP archive without compression (PKWARE APPNOTE 4.3). */
export function packZipParts(parts: ZipParts): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of parts) {
    const nameBytes = Buffer.from(name, 'utf8');
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(0x0800, 2); // names are UTF-8
    common.writeUInt32LE(0x00210000, 6); // time and date: 1 January 1980
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, content);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, rest, nameBytes);
    offset += 30 + nameBytes.length + content.length;
  }
  const directoryBytes = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(parts.size, 8);
  end.writeUInt16LE(parts.size, 10);
  end.writeUInt32LE(directoryBytes.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directoryBytes, end]);
}
