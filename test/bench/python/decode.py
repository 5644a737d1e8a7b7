"""Greedy decoding and evaluation through transformers: `python decode.py SPEC.json` prints one JSON line per repetition.

SPEC.json: model, rows, device (cpu or cuda), dtype (f32 or bf16), batches, promptTokens, newTokens, evalRows, repetitions; one more repetition comes first to
warm up. `generate` with its cache, as users call it; a logits processor sees when the prompt was read and when each token came.
"""

import json
import os
import sys
import time

import torch
from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList, logging


class Watch(LogitsProcessor):
    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores):
        self.times.append(time.perf_counter())
        return scores


def time_decoding(model, prompts, new_tokens):
    watch = Watch()
    settings = {"max_new_tokens": new_tokens, "min_new_tokens": new_tokens, "do_sample": False, "use_cache": True}
    start = time.perf_counter()
    ids = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        pad_token_id=0,
        logits_processor=LogitsProcessorList([watch]),
        **settings,
    )
    end = time.perf_counter()
    return {
        "prefill_ms": 1000 * (watch.times[0] - start),
        "decode_ms": 1000 * (watch.times[-1] - watch.times[0]),
        "total_ms": 1000 * (end - start),
        "tokens": ids[:, prompts.shape[1] :].tolist(),
    }


def time_evaluation(model, rows):
    start = time.perf_counter()
    loss = model(input_ids=rows, labels=rows, use_cache=False).loss.item()
    return {"evaluate_ms": 1000 * (time.perf_counter() - start), "loss": loss}


@torch.no_grad()
def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    dtype = torch.float32 if spec["dtype"] == "f32" else torch.bfloat16
    model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=dtype).eval().to(spec["device"])
    with open(spec["rows"], encoding="utf-8") as file:
        rows = [json.loads(line)["input_ids"] for line in file]
    for repetition in range(spec["repetitions"] + 1):
        for batch in spec["batches"]:
            prompts = torch.tensor([row[: spec["promptTokens"]] for row in rows[:batch]], device=spec["device"])
            figures = time_decoding(model, prompts, spec["newTokens"])
            print(json.dumps({"repetition": repetition, "batch": batch, **figures}), flush=True)
        figures = time_evaluation(model, torch.tensor(rows[: spec["evalRows"]], device=spec["device"]))
        print(json.dumps({"repetition": repetition, **figures}), flush=True)


if __name__ == "__main__":
    main()
