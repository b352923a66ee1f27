"""A more special artifact stands where its base is read, and a stage type may be derived from another."""

from collections.abc import Iterator

from _studio import Dpo, Sft, base, chats, judged, prompts

from pipeline_dsl import Pipeline, Problem, SftModel, Stage, Workspace


class Instructed(SftModel):
    """A model that was taught by instructions."""

    instructions: int


class Instruct(Sft, Stage[Instructed]):
    """Learn from instructions."""

    instructions: int = 1_000

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.instructions < 1:
            yield Problem("instructions", "there are none", "write at least 1")

    def run(self, work: Workspace) -> Instructed:
        raise NotImplementedError


taught = Instruct(base=base, data=chats, instructions=5_000)
policy = Dpo(policy=taught, data=judged, prompts=prompts)

pipeline = Pipeline(name="instructed", targets=[policy])
