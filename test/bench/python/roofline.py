"""What this machine can do at most, measured with PyTorch: `python roofline.py SPEC.json` prints one JSON object.

SPEC.json: products, a list of {batch, m, k, n}; for each, the median seconds of one product in f32 and bf16. And the bandwidth of
a = b + s * c over arrays far larger than the caches (three passes of 256 MB; 2 GB on a card). `device` says where: on cuda a time is that
of many calls in a row, since one is over before it can be timed.
"""

import json
import os
import sys
import time

import torch


CALLS_ON_CARD = 20


def median_seconds(action, device, least_seconds=0.3, least_rounds=5):
    calls, wait = (1, lambda: None) if device == "cpu" else (CALLS_ON_CARD, torch.cuda.synchronize)
    action()
    wait()
    times = []
    while len(times) < least_rounds or sum(times) < least_seconds:
        start = time.perf_counter()
        for _ in range(calls):
            action()
        wait()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2] / calls


def product_seconds(product, dtype, device):
    batch, m, k, n = (product[name] for name in ("batch", "m", "k", "n"))
    lead = () if batch == 1 else (batch,)
    a = torch.randn(*lead, m, k, device=device).to(dtype)
    b = torch.randn(*lead, n, k, device=device).to(dtype).mT
    return median_seconds(lambda: a @ b, device)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    device = spec["device"]
    elements = (64 if device == "cpu" else 512) * 2**20
    a, b, c = (make(elements, device=device) for make in (torch.empty, torch.ones, torch.ones))
    seconds = median_seconds(lambda: torch.add(b, c, alpha=3.0, out=a), device)
    print(
        json.dumps(
            {
                "f32": [product_seconds(product, torch.float32, device) for product in spec["products"]],
                "bf16": [product_seconds(product, torch.bfloat16, device) for product in spec["products"]],
                "bandwidth_bytes_per_second": 3 * 4 * elements / seconds,
            }
        )
    )


if __name__ == "__main__":
    main()
