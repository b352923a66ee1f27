"""What a review is about: a manifest's tree, the declarations that it stands for, and what the compiler made of them."""

from collections.abc import Mapping
from functools import cached_property

import attrs

from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.compile import Compiled
from pipeline_dsl.compiler.facts import Bound, Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.review.declaration import Declared
from pipeline_dsl.compiler.review.tree import Tree

UNFINISHED = {"running": "is not finished", "failed": "failed", "held": "was held", "interrupted": "was interrupted"}
"""The statuses of a run that has no result to approve, in words."""


@attrs.frozen(kw_only=True, slots=False, eq=False)
class Subject:
    """One manifest under review."""

    tree: Tree
    declared: Declared
    compiled: Compiled | None
    short: bool = False
    """Whether it was written in the short spelling, which has no place for much of this."""

    @cached_property
    def entries(self) -> Mapping[str, Tree]:
        """Its stages, as they are written."""
        return self.tree.items["stages"].items if "stages" in self.tree.items else {}

    @property
    def facts(self) -> Facts | None:
        """What the compiler derived, if the declarations have a sound shape."""
        return self.compiled.facts if self.compiled else None

    @property
    def gates(self) -> tuple[Bound, ...]:
        """Its gates, each with the stages that measure it."""
        return self.facts.gates if self.facts else ()

    @property
    def ships(self) -> str | None:
        """The name of the stage that is released; None for research, or if that cannot be said."""
        facts = self.facts
        if facts is not None:
            return facts.graph.names[facts.ships] if facts.ships else None
        said = self.tree.items.get("ships")
        return said.text if said is not None and said.value is not None else None

    def stage(self, name: str) -> AnyStage | None:
        """The declaration of a stage."""
        return self.declared.stages.get(name)

    def said(self, name: str, *path: str) -> Tree | None:
        """What a stage says under a path of names; None if it says nothing."""
        tree = self.entries.get(name)
        for key in path:
            tree = tree.items.get(key) if tree is not None else None
        return tree if tree is not None and tree.value is not None else None

    def number(self, name: str, *path: str) -> float | None:
        """A number that a stage says."""
        tree = self.said(name, *path)
        value = tree.value if tree is not None else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def at(self, name: str, *path: str) -> Span:
        """Where a stage says something, or the stage."""
        tree = self.said(name, *path)
        return tree.key if tree is not None else self.entries[name].key

    def top(self, name: str) -> Span:
        """Where the manifest says something of itself, or else its name."""
        tree = self.tree.items.get(name) or self.tree.items.get("pipeline")
        return tree.key if tree is not None else self.tree.span

    @property
    def unfinished(self) -> bool:
        """Whether it says that its run did not come to its end."""
        status = self.tree.items.get("status")
        return status is not None and status.text in UNFINISHED

    @property
    def finished(self) -> bool:
        """Whether it tells a whole run: by its status, or because every stage has a result, whatever the status says."""
        status = self.tree.items.get("status")
        if self.unfinished or not self.entries:
            return False
        return (status is not None and status.value == "complete") or all(self.said(name, "output_hash") for name in self.entries)

    @property
    def ran(self) -> bool:
        """Whether it tells a run, and not a proposal: a stage has a result."""
        return any(self.said(name, "output_hash") for name in self.entries)
