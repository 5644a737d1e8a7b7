"""What this machine can do at most, measured with PyTorch: `python roofline.py SPEC.json` prints one JSON object.

SPEC.json: products, a list of {batch, m, k, n}; for each, the median seconds of one product in f32 and bf16. And the bandwidth of
a = b + s * c over arrays far larger than the caches (three passes of 256 MB).
"""

import json
import os
import sys
import time

import torch


def median_seconds(action, least_seconds=0.3, least_rounds=5):
    action()
    times = []
    while len(times) < least_rounds or sum(times) < least_seconds:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def product_seconds(product, dtype):
    batch, m, k, n = (product[name] for name in ("batch", "m", "k", "n"))
    lead = () if batch == 1 else (batch,)
    a = torch.randn(*lead, m, k).to(dtype)
    b = torch.randn(*lead, n, k).to(dtype).mT
    return median_seconds(lambda: a @ b)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    elements = 64 * 2**20
    a, b, c = torch.empty(elements), torch.ones(elements), torch.ones(elements)
    seconds = median_seconds(lambda: torch.add(b, c, alpha=3.0, out=a))
    print(
        json.dumps(
            {
                "f32": [product_seconds(product, torch.float32) for product in spec["products"]],
                "bf16": [product_seconds(product, torch.bfloat16) for product in spec["products"]],
                "bandwidth_bytes_per_second": 3 * 4 * elements / seconds,
            }
        )
    )


if __name__ == "__main__":
    main()
