"""What is wrong with a manifest, and whether the rest of it can be compiled all the same."""

import difflib
from collections.abc import Iterable

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.span import Span
from pipeline_dsl.compiler.reading import BadFields
from pipeline_dsl.compiler.review.findings import FieldUnknown, StageAbsent
from pipeline_dsl.compiler.review.tree import Tree


@attrs.define(eq=False)
class Report:
    """The findings about a manifest; it is `sound` as long as none keeps the whole from being compiled."""

    found: list[Diagnostic]
    sound: bool = True

    def unusable(self, message: str, at: Tree, help: str = "") -> None:
        """A finding that keeps the whole from being compiled."""
        self.found.append(FieldUnknown.finding(message, at.key, help=help))
        self.sound = False

    def bad(self, message: str, at: Span, help: str) -> None:
        """A stage has other fields than its type, which keeps the whole from being compiled."""
        self.found.append(BadFields.finding(message, at, help=help))
        self.sound = False

    def absent(self, message: str, at: Span, help: str = "") -> None:
        """A stage that the manifest names and does not have."""
        self.found.append(StageAbsent.finding(message, at, help=help))

    def unknown(self, tree: Tree, names: Iterable[str], what: str) -> None:
        """Report the members of a mapping that nothing reads."""
        names = list(names)
        for name, item in tree.items.items():
            if name not in names:
                help = meant(name, names, f"it has {', '.join(sorted(names))}")
                self.found.append(FieldUnknown.finding(f"{what} has no {name!r:.80}", item.key, help=help))

    def part(self, tree: Tree, name: str) -> dict[str, Tree]:
        """A member that is a mapping; empty if there is none."""
        part = tree.items.get(name)
        if part is not None and part.value is not None and not isinstance(part.value, dict):
            self.unusable(f"`{name}` is a mapping", part)
        return part.items if part else {}


def meant(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """What to write in place of a name that is not there: the nearest of those that are, or else `otherwise`."""
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"did you mean `{near[0]}`?" if near else otherwise
