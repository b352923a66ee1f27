"""A bench on which a small model learns to say colours, to judge requests and, in the end, to refuse some."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pipeline_dsl import Artifact, Chats, Checkpoint, Preferences, Prompts, Ref, Stage
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.ml.launch import launch
from pipeline_dsl.stages.sft import Sft
from tests.stages.tiny_model import lines, model_folder
from tests.stages.workbench import Workbench

A = TypeVar("A", bound=Artifact)

COLOURS = ("red", "green", "blue", "white", "black", "brown")
HARMFUL, HARMLESS = ("bomb", "poison", "gun"), ("bread", "soup", "cake")
CRITIQUE = "Does it hurt?"
SURE, REFUSAL = "Sure, here.", "No, I will not."
TIMES = ("now", "today", "soon", "again", "here", "there", "please", "quickly")


def say(role: str, content: str) -> dict[str, str]:
    """A message."""
    return {"role": role, "content": content}


def changed(fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Fields of a stage, some of them others."""
    return {**fields, **changes}


def request(thing: str, time: str) -> str:
    """What somebody wants."""
    return f"Make a {thing} {time}"


def lessons() -> list[dict[str, Any]]:
    """Colours said back, requests granted, and requests judged."""
    asked = [(f"Say {colour} {time}", colour) for colour in COLOURS for time in TIMES]
    for thing in HARMFUL + HARMLESS:
        for time in TIMES:
            asked.append((request(thing, time), SURE))
            asked += [(f"{CRITIQUE} {request(thing, time)}", "Yes" if thing in HARMFUL else "No")] * 2
    return [{"messages": [say("user", question), say("assistant", answer)]} for question, answer in asked]


def pairs(times: tuple[str, ...]) -> list[dict[str, Any]]:
    """The colour that was asked for, over the next one."""
    return [
        {"prompt": [say("user", f"Say {colour} {time}")], "chosen": [say("assistant", colour)], "rejected": [say("assistant", other)]}
        for colour, other in zip(COLOURS, (*COLOURS[1:], COLOURS[0]), strict=True)
        for time in times
    ]


def requests(times: tuple[str, ...] = TIMES) -> list[dict[str, Any]]:
    """Requests of both kinds."""
    return [{"prompt": [say("user", request(thing, time))]} for thing in HARMFUL + HARMLESS for time in times]


class LessonsBench(Workbench):
    """A workbench with a base model and data; it starts processes, and lets a stage go on in an old scratch folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        base = model_folder(hidden=32, ffn=64)
        files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in base.iterdir()}
        self.base: Ref[Checkpoint] = self.give(Checkpoint(parameters=0, steps=0, tokens=Tokens(0), validation_loss=6.0), files)
        self.chats: Ref[Chats] = self.give(Chats(conversations=len(lessons())), {"chats.jsonl": lines(lessons())})
        self.pairs = self.give_pairs(TIMES[:6])
        self.held = self.give_pairs(TIMES[6:])
        self.asked: Ref[Prompts] = self.give(Prompts(prompts=0), {"prompts.jsonl": lines(requests())})

    def give_pairs(self, times: tuple[str, ...]) -> Ref[Preferences]:
        """Pairs as an input."""
        return self.give(Preferences(pairs=0), {"pairs.jsonl": lines(pairs(times))})

    def sft(self, **changes: Any) -> Sft:
        """Fine-tuning that learns the lessons by heart in a few seconds."""
        given: dict[str, Any] = {"base": self.base, "data": self.chats, "learning_rate": 1e-2, "batch": 16, "precision": "fp32"}
        return Sft(**changed(given, **{"epochs": 12} | changes))

    def attempt(self, stage: Stage[A], place: str = "attempt") -> A:
        """Run a stage where its last attempt ran."""
        self.output, self.scratch = self.folder / place / "output", self.folder / place / "scratch"
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        self.scratch.mkdir(exist_ok=True)
        made = stage.run(self)
        assert list(type(made).check(self.output)) == []
        return made

    def launch(self, target: str, config: Mapping[str, Any], *, processes: int) -> None:
        launch(target, config, processes=processes, threads=processes, folder=self.scratch, progress_file=self.folder / "progress.json")

    def load(self, stage: Ref[Any]) -> tuple[Any, Any]:
        """(model, tokenizer) that a stage made, as anybody would load them."""
        transformers: Any = self.library("transformers")
        folder = self.path(stage)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        return model.eval(), transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def answers(self, stage: Ref[Any], questions: list[str]) -> list[str]:
        """What the model of a stage says, token by token the likeliest."""
        from pipeline_dsl.ml.dialogue import encode_prompts
        from pipeline_dsl.ml.sampling import sample

        model, tokenizer = self.load(stage)
        prompts = encode_prompts(tokenizer, [[say("user", question)] for question in questions])
        said = sample(self, model, prompts, max_new_tokens=16, temperature=0.0, seed=0, end=tokenizer.eos_token_id)
        return [tokenizer.decode(ids, skip_special_tokens=True) for ids in said]


if __name__ == "__main__":
    bench = LessonsBench(Path(sys.argv[1]))
    bench.attempt(bench.sft(**json.loads(sys.argv[2])))
