"""Unpacks parts of a wheel (a zip file) and checks each part's checksum. Run with any Python 3, nothing installed.

unpack_wheel.py WHEEL TARGET SHA256-OR-DASH PREFIX...   prints "progress DONE TOTAL" (bytes) and, last, "files COUNT".
Exit codes: 0, 4 (not a whole wheel, or another hash than the given one), 5 (no space), 1 anything else.
"""

import errno
import hashlib
import os
import sys
import zipfile

CHUNK = 1 << 22


def file_hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def unpack(wheel, target, prefixes):
    with zipfile.ZipFile(wheel) as archive:
        wanted = [entry for entry in archive.infolist() if not entry.is_dir() and entry.filename.startswith(prefixes)]
        total = sum(entry.file_size for entry in wanted)
        done = 0
        reported = -1
        for entry in wanted:
            place = archive.extract(entry, target)
            mode = entry.external_attr >> 16 & 0o777
            if mode & 0o100:
                os.chmod(place, 0o755)
            done += entry.file_size
            if done * 100 // max(total, 1) != reported:
                reported = done * 100 // max(total, 1)
                print("progress", done, total, flush=True)
        print("files", len(wanted), flush=True)


def main(wheel, target, expected, *prefixes):
    try:
        if expected != "-" and file_hash(wheel) != expected:
            print("the download does not have the expected SHA-256", file=sys.stderr)
            return 4
        unpack(wheel, target, prefixes)
    except zipfile.BadZipFile as fault:
        print("the download is not a whole wheel:", fault, file=sys.stderr)
        return 4
    except OSError as fault:
        print(fault, file=sys.stderr)
        return 5 if fault.errno in (errno.ENOSPC, errno.EDQUOT) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
