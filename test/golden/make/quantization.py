"""Reference bytes of bitsandbytes for test/unit/engine/quant: `python quantization.py` (versions in test/interop/python/requirements.txt).

Writes ../fixtures/quantization.safetensors: for each case the input, NF4 (packed, absmax, doubly quantized absmax, quant_state, dequantized)
and INT8 (weight, SCB); and ../fixtures/quantization-digests.json: means and digests of inputs too large to keep, which both sides make
from a formula. One thread, because PyTorch's sum of 32,768 values and more depends on their number.
"""

import hashlib
import json
import os

import bitsandbytes
import bitsandbytes.functional as F
import numpy as np
import torch
from safetensors.torch import save_file

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
NF4 = F.get_4bit_type("nf4", device="cpu")


def cases():
    generator = torch.Generator().manual_seed(20260)

    def randn(*shape):
        return torch.randn(shape, generator=generator)

    middles = (NF4[:-1] + NF4[1:]) / 2
    ties = torch.cat([middles, middles.nextafter(torch.tensor(2.0)), middles.nextafter(torch.tensor(-2.0)), NF4, -middles])
    ties = torch.cat([ties, torch.ones(128 - len(ties))])
    spread = randn(8, 96) * 10 ** torch.linspace(-38, 4, 96)
    tiny = torch.full((6, 64), 1e-30)
    tiny[1] = randn(64) * 1e-30
    tiny[2, 5] = 1.0
    tiny[3] = randn(64) * 1e-41
    outliers = randn(20, 100)
    outliers[3, 7] = 1e4
    outliers[11] = -1e4
    part_zero = randn(10, 64)
    part_zero[2:5] = 0
    part_zero[6, 1::2] = -0.0
    return {
        "one": randn(1, 1),
        "odd": randn(7, 9) * 0.02,
        "square": randn(64, 64) * 0.02,
        "tail": randn(5, 129),
        "bf16": (randn(48, 80) * 0.05).bfloat16(),
        "f16": (randn(33, 65) * 0.05).half(),
        "zeros": torch.zeros(16, 64),
        "zero_tail": torch.zeros(3, 50),
        "part_zero": part_zero,
        "constant": torch.full((32, 64), 0.02).bfloat16(),
        "negative_constant": torch.full((5, 20), -3.0).half(),
        "spread": spread,
        "tiny": tiny,
        "outliers": outliers,
        "ties": (ties * 0.37).reshape(2, 64),
        "exact_ties": ties.reshape(2, 64),
        "long": (randn(130, 129) * 0.02).bfloat16(),
    }


def nf4_of(values):
    packed, plain = F.quantize_4bit(values, quant_type="nf4")
    again, nested = F.quantize_4bit(values, quant_type="nf4", compress_statistics=True)
    assert torch.equal(packed, again)
    # Dequantized as one long row: with AVX-512 bitsandbytes 0.50 takes wrong scales where rows are no multiple of the block.
    flat = [F.QuantState(s.absmax, (values.numel(),), s.code, 64, "nf4", torch.float32, s.offset, s.state2) for s in (plain, nested)]
    tensors = {"packed": packed, "absmax": plain.absmax}
    for name, value in nested.as_dict(packed=True).items():
        tensors["double." + name] = value
    tensors["dequantized"] = F.dequantize_4bit(packed, flat[0]).reshape(values.shape)
    tensors["double.dequantized"] = F.dequantize_4bit(packed, flat[1]).reshape(values.shape)
    del tensors["double.quant_map"], tensors["double.nested_quant_map"]
    return tensors


def int8_of(values):
    weight, scb, _ = F.int8_vectorwise_quant(values.half())
    return {"weight": weight, "SCB": scb, "dequantized": F.int8_vectorwise_dequant(weight, scb)}


def write_cases():
    tensors = {"dynamic_map": F.create_dynamic_map(), "nf4_levels": NF4}
    for name, values in cases().items():
        parts = {"input": values}
        parts.update({f"nf4.{key}": value for key, value in nf4_of(values).items()})
        parts.update({f"int8.{key}": value for key, value in int8_of(values).items()})
        keep_dequantized = values.numel() <= 1024
        for key, value in parts.items():
            if keep_dequantized or not key.endswith("dequantized"):
                tensors[f"{name}.{key}"] = value.contiguous()
    path = os.path.join(FIXTURES, "quantization.safetensors")
    save_file(tensors, path)
    os.chmod(path, 0o644)


def formula(count):
    """float32 values between -1 and 1 that JavaScript makes alike: a multiplicative hash of the index."""
    hashed = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return torch.from_numpy((hashed.astype(np.float64) / 2**31 - 1).astype(np.float32))


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def write_digests():
    means = {str(n): formula(n).mean().item() for n in (3, 8, 31, 32, 100, 511, 512, 1000, 5000, 20000, 32768, 100003, 300000)}
    large = {}
    for shape in ((1024, 520), (700, 3001)):
        # Larger blocks further on, so that the maxima differ.
        count = shape[0] * shape[1]
        values = (formula(count) * (1 + torch.arange(count) // 4096).float()).reshape(shape)
        packed, state = F.quantize_4bit(values, quant_type="nf4", compress_statistics=True)
        large["x".join(map(str, shape))] = {
            "packed": digest(packed),
            "codes": digest(state.absmax),
            "nested_absmax": digest(state.state2.absmax),
            "offset": state.offset.item(),
            "int8": digest(F.int8_vectorwise_quant(values.half())[0]),
        }
    made_with = {"bitsandbytes": bitsandbytes.__version__, "torch": torch.__version__}
    with open(os.path.join(FIXTURES, "quantization-digests.json"), "w", encoding="utf-8") as file:
        json.dump({"made_with": made_with, "means": means, "large": large}, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.makedirs(FIXTURES, exist_ok=True)
    write_cases()
    write_digests()
