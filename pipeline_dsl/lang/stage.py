"""A stage: one declared step, which stands for the artifact it makes."""

import itertools
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any, ClassVar, Generic, Literal, TypeGuard, TypeVar, dataclass_transform

import attrs

from pipeline_dsl.base.span import Mark, mark
from pipeline_dsl.lang.artifact import Artifact
from pipeline_dsl.lang.fields import StageType, describe, execution, held_out
from pipeline_dsl.lang.gate import Metric
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.lang.label import Division, Kind, Label, declared_labels, names_test_part
from pipeline_dsl.lang.placement import Placement
from pipeline_dsl.lang.size import Size, Sizes, Work
from pipeline_dsl.lang.workspace import Workspace

A_co = TypeVar("A_co", bound=Artifact, covariant=True)

Tier = Literal["cheap", "medium", "expensive"]
"""What a failure costs: re-run it; keep the base model and re-run; fall back to the last good artifact."""

Action = Literal["re-run", "retrain", "fall-back"]
"""What is done about a failure: run it again; train again on revised inputs; take the last good artifact."""

_order = itertools.count()


class Ref(Generic[A_co]):
    """The promise of an artifact. Compared by identity: two equal declarations are two promises."""


@attrs.frozen
class Problem:
    """A fault that a stage finds in its own declaration: the field it sits in, what is wrong and what to write."""

    field: str
    message: str
    help: str = ""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field, execution, held_out))
class Declaration(Ref[A_co]):
    """What makes an attrs class of every class below it. Type checkers see fields only below the class that says so."""

    def __init_subclass__(cls) -> None:
        attrs.frozen(kw_only=True, slots=False, eq=False)(cls)


class Stage(Declaration[A_co]):
    """One step of a pipeline.

    A subclass is an attrs class: plain annotations are fields, `Ref[...]` annotations are inputs. Declaring one does no work
    and refuses nothing; the compiler does. Raise `version` when the code changes in a way that changes results: what an
    older version made is then never reused.
    """

    version: ClassVar[int] = 1
    evaluation: ClassVar[bool] = False
    """Whether what it makes is evaluation data, which nothing may learn from."""
    movable: ClassVar[bool] = False
    """Whether it makes something else whenever it runs, as a crawl does."""
    external: ClassVar[bool] = False
    """Whether what it makes comes from outside (a registry, a folder) and not from what it computes: a replay takes what the run
    took, and does not ask for it again."""
    aligns: ClassVar[bool] = False
    """Whether it moves a policy away from a reference; such a stage has a `kl_budget`."""

    name: str | None = execution(default=None)
    """What the stage is called; without one, its place and kind: `04_pretrain`."""
    on: Hardware | None = execution(default=None)
    """Where it runs, if not where the pipeline does."""
    tier: Tier | None = execution(default=None)
    """What a failure costs; without one, the estimate decides."""
    on_failure: Action | None = execution(default=None)
    """What is done if it fails; without one, its tier decides."""
    pin: str | None = execution(default=None)
    """The digest that the artifact must have, where it is known: any other stops the run."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Stage[A_co]":
        self = super().__new__(cls)
        object.__setattr__(self, "_declared", (next(_order), mark()))
        return self

    def holds_evaluation_data(self) -> bool:
        """Whether this very declaration makes evaluation data: its type says `evaluation = True`, or it takes the test part of
        something (`split="test"`, `part="test"`)."""
        return self.evaluation is True or names_test_part(self)

    def labels(self) -> Iterable[Label]:
        """What arises here and must be known of all that is made of the artifact.

        Evaluation data is by `holds_evaluation_data`; fields called `licence`, `terms` and `personal` are read as the built-in
        sources declare them. Whatever labels the inputs carry flow on by themselves.
        """
        if self.holds_evaluation_data():
            yield Label("evaluation")
        yield from declared_labels(self)

    def clears(self) -> Collection[Kind]:
        """The kinds of labels that end here, because the stage takes out what they are about: `("personal",)`."""
        return ()

    def division(self) -> Division | None:
        """The part of a whole that it takes, if other stages may take the others; None if it takes what it gets."""
        return None

    def cores(self) -> int:
        """Processor cores that it keeps busy on one machine; the local runner leaves it so many."""
        return 1

    def size(self, sizes: Sizes) -> Size:
        """What is known of the artifact before it exists."""
        return Size()

    def cost(self, sizes: Sizes) -> Work:
        """What the stage will take."""
        return Work()

    def placement(self, sizes: Sizes) -> Placement | None:
        """How a model lies on the stage's devices while it trains or serves; None if none does, or its shape is unknown."""
        return None

    def problems(self) -> Iterator[Problem]:
        """Faults that only this stage type can see, such as fields that contradict each other."""
        yield from ()

    def measures(self) -> Iterable[str | Metric]:
        """The metrics that the artifact will carry: names that `gates/metrics.py` knows, or metrics of its own."""
        return ()

    def asked(self, metric: str, sizes: Sizes) -> int | None:
        """How many examples a metric is a mean over; without an answer, what the only input that is held out says."""
        return None

    def run(self, work: Workspace) -> A_co:
        """Do the work: read inputs through `work`, fill `work.output`, return the artifact's metadata."""
        raise NotImplementedError(f"{type(self).__name__} has no `run`")


def is_stage(value: object) -> TypeGuard[Stage[Any]]:
    """Whether a value is a declared stage."""
    return isinstance(value, Stage)


def declared(stage: Stage[Any]) -> tuple[int, Mark | None]:
    """(order of declaration, where): every stage knows both from the moment it is made."""
    return stage.__dict__["_declared"]


@cache
def stage_type(cls: type[Stage[Any]]) -> StageType:
    """The description of a stage class.

    Raises: TypeError, for a class that cannot be described.
    """
    return describe(cls, Ref)
