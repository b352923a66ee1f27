"""A manifest in the short spelling, as far as it says things itself."""

import re
from collections.abc import Mapping

import attrs

from pipeline_dsl.compiler.review.short.kinds import unnumbered, words_of
from pipeline_dsl.compiler.review.tree import Tree


@attrs.frozen
class Brief:
    """Its stages as they are written, the kinds of those whose kind is known, and its gates by metric."""

    tree: Tree
    kinds: Mapping[str, str]
    gates: Mapping[str, Tree]

    @property
    def stages(self) -> dict[str, Tree]:
        """The stages, as they are written."""
        return self.tree.items["stages"].items

    def before(self, name: str) -> list[str]:
        """The stages that are listed before one."""
        names = list(self.stages)
        return names[: names.index(name)]

    def held(self, name: str) -> bool:
        """Whether a stage of data is kept for measuring."""
        words = words_of(unnumbered(name)) | words_of(str((self.stages[name].items.get("split") or self.stages[name]).text or ""))
        return self.kinds.get(name) == "data" and bool(
            words & {"eval", "evaluation", "test", "heldout", "held", "benchmark", "validation", "dev"}
        )

    def level(self, *metrics: str) -> float | None:
        """What a gate, or a field of its name, allows at most."""
        for metric in metrics:
            said = self.gates.get(metric) or self.tree.items.get(metric)
            match = re.fullmatch(r"\s*(?:<=|≤)?\s*([\d_.]+(?:[eE][-+]?\d+)?)\s*", (said.text or "")[:80]) if said is not None else None
            if match and re.search(r"\d", match[1]):
                try:
                    return float(match[1].replace("_", ""))
                except ValueError:
                    return None
        return None


def by_metric(gates: Tree | None) -> dict[str, Tree]:
    """Gates by their metric, each as what is asked of it, however they are written."""
    found = dict(gates.items) if gates is not None else {}
    for gate in gates.members if gates is not None else ():
        said = {key: item.text or "" for key, item in gate.items.items()}
        text = f"{said.get('metric', '')} {said.get('operator', '')} {said.get('threshold', '')}" if said else gate.text or ""
        metric, _, asked = text.strip().partition(" ")
        found[metric] = attrs.evolve(gate, value=asked, text=asked)
    return found
