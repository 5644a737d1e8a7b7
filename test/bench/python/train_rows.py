"""transformers' Trainer + PEFT on rows of real lengths: `python train_rows.py SPEC.json` prints the evaluation loss on the way.

SPEC.json: model, adapter, train, eval (files of input_ids and labels), batch, epochs, learning_rate, eval_every, dtype (f32 or bf16), seed.
Each batch is padded to its longest row, as DataCollatorForSeq2Seq does it; rows come in the Trainer's own random order. The clock runs
from the beginning of training and stands still while evaluating. The evaluation is the mean loss over all labelled tokens.
"""

import json
import os
import sys
import tempfile
import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PrinterCallback, Trainer, TrainerCallback, TrainingArguments, logging

EVAL_BATCH = 16


def emit(**event):
    print(json.dumps(event), flush=True)


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def pad(rows):
    length = max(len(row["input_ids"]) for row in rows)

    def column(name, filler):
        return torch.tensor([row[name] + [filler] * (length - len(row[name])) for row in rows])

    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] * (length - len(row["input_ids"])) for row in rows])
    return {"input_ids": column("input_ids", 0), "labels": column("labels", -100), "attention_mask": mask}


@torch.no_grad()
def mean_loss(model, rows, bf16):
    model.eval()
    rows = sorted(rows, key=lambda row: -len(row["input_ids"]))
    total, count = 0.0, 0
    for start in range(0, len(rows), EVAL_BATCH):
        batch = pad(rows[start : start + EVAL_BATCH])
        labels = batch.pop("labels")[:, 1:].reshape(-1)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(**batch).logits[:, :-1]
        flat = logits.reshape(-1, logits.shape[-1]).float()
        total += torch.nn.functional.cross_entropy(flat, labels, ignore_index=-100, reduction="sum").item()
        count += int((labels != -100).sum())
    model.train()
    return total / count


class Clock(TrainerCallback):
    """Tells the loss every few updates; its own time does not count."""

    def __init__(self, every, evaluate):
        self.every, self.evaluate, self.paused = every, evaluate, 0.0

    def tell(self, step):
        start = time.perf_counter()
        loss = self.evaluate()
        emit(event="eval", step=step, eval_loss=loss, elapsed_ms=1000 * (start - self.started - self.paused))
        self.paused += time.perf_counter() - start

    def on_train_begin(self, args, state, control, **kwargs):
        self.started = time.perf_counter()
        self.tell(0)

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self.tell(state.global_step)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    bf16 = spec["dtype"] == "bf16"
    base = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.bfloat16 if bf16 else torch.float32)
    model = PeftModel.from_pretrained(base, spec["adapter"], is_trainable=True)
    train, held_out = read_rows(spec["train"]), read_rows(spec["eval"])
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            use_cpu=True,
            bf16=bf16,
            per_device_train_batch_size=spec["batch"],
            num_train_epochs=spec["epochs"],
            learning_rate=spec["learning_rate"],
            lr_scheduler_type="constant",
            weight_decay=0.0,
            max_grad_norm=1.0,
            seed=spec["seed"],
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=train, data_collator=pad)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Clock(spec["eval_every"], lambda: mean_loss(model, held_out, bf16)))
        emit(event="start", rows=len(train))
        trainer.train()
    emit(event="result")


if __name__ == "__main__":
    main()
