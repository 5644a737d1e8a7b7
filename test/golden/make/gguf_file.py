"""A small GGUF file written by llama.cpp's own gguf-py, for test/unit/engine/formats/gguf.test.ts: `python gguf_file.py` (versions in
requirements.txt of test/interop/python). Writes ../fixtures/small.gguf."""

import os

import gguf
import numpy as np

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "small.gguf")


def formula(count):
    """float32 values between -1 and 1 that JavaScript makes alike: a multiplicative hash of the index."""
    hashed = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return (hashed.astype(np.float64) / 2**31 - 1).astype(np.float32)


def main():
    writer = gguf.GGUFWriter(PATH, "llama")
    writer.add_name("Small ✓")
    writer.add_block_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_add_bos_token(False)
    writer.add_token_list(["<s>", "ä", "b c"])
    writer.add_token_types([3, 1, 1])
    writer.add_token_scores([0.0, -1.5, 2.25])
    writer.add_uint64("test.large", 2**40)
    values = formula(6 * 64).reshape(6, 64)
    values[1, :32] = 0
    values[2] *= 1e-6
    values[3] *= 1e4
    writer.add_tensor("vector", values[0, :5])
    writer.add_tensor("half", values[:3, :7].astype(np.float16))
    for name, kind in (("brain", gguf.GGMLQuantizationType.BF16), ("eight", gguf.GGMLQuantizationType.Q8_0)):
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
