"""One PyTorch + PEFT arm: `python train.py SPEC.json` prints one JSON line per step, as `tunesmith train --json` does.

A bare loop, faster than the Trainer and without its evaluation, logging and data workers: PyTorch at its best. `dtype`: f32; bf16
(base in bf16, adapter in f32 under autocast, which is what Trainer(bf16=True) does); bf16-pure (adapter in bf16 too, no autocast); nf4
(bitsandbytes with double quantization, bf16 compute); int8 (bitsandbytes' LLM.int8). `compile` adds torch.compile. On `device` cuda only
whole steps are timed: to time their parts, each would have to wait for the card.
"""

import contextlib
import json
import os
import sys
import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, logging


QUANTIZED = {
    "nf4": BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    ),
    "int8": BitsAndBytesConfig(load_in_8bit=True),
}


def emit(**event):
    print(json.dumps(event), flush=True)


def load(spec):
    settings = {"dtype": torch.float32 if spec["dtype"] == "f32" else torch.bfloat16}
    if spec["dtype"] in QUANTIZED:
        settings["device_map"] = spec["device"]
        settings["quantization_config"] = QUANTIZED[spec["dtype"]]
    base = AutoModelForCausalLM.from_pretrained(spec["model"], **settings)
    if spec["dtype"] not in QUANTIZED:
        base = base.to(spec["device"])
    # PEFT keeps adapters of a bf16 base in f32 unless told otherwise.
    model = PeftModel.from_pretrained(
        base, spec["adapter"], is_trainable=True, autocast_adapter_dtype=spec["dtype"] != "bf16-pure"
    )
    model.train()
    return torch.compile(model) if spec["compile"] else model


def batches(spec):
    with open(spec["rows"], encoding="utf-8") as file:
        rows = [json.loads(line)["input_ids"] for line in file]
    size = spec["batch"]
    return [torch.tensor(rows[start : start + size], device=spec["device"]) for start in range(0, spec["steps"] * size, size)]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = load(spec)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=spec["learning_rate"], weight_decay=0.0)
    mixed = spec["dtype"] in ("bf16", *QUANTIZED)
    emit(event="start", trainable_parameters=sum(p.numel() for p in trainable))
    for step, ids in enumerate(batches(spec), 1):
        times = [time.perf_counter()]
        with torch.autocast(spec["device"], torch.bfloat16) if mixed else contextlib.nullcontext():
            loss = model(input_ids=ids, labels=ids).loss
        times.append(time.perf_counter())
        loss.backward()
        times.append(time.perf_counter())
        norm = torch.nn.utils.clip_grad_norm_(trainable, spec["max_grad_norm"])
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter())
        names = ("forward_ms", "backward_ms", "optimizer_ms") if spec["device"] == "cpu" else ()
        split = {name: round((b - a) * 1000, 2) for name, a, b in zip(names, times, times[1:])}
        emit(event="step", step=step, loss=loss.item(), grad_norm=norm.item(), **split)
    emit(event="result", version=torch.__version__)


if __name__ == "__main__":
    main()
