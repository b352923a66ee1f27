"""What the stages of a manifest read: other stages of it, by name."""

from collections.abc import Mapping
from typing import Any, cast

from pipeline_dsl.compiler.described import Told
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.compiler.review.report import Report, meant
from pipeline_dsl.compiler.review.tree import Tree


def connect(name: str, tree: Tree, known: Mapping[str, Tree], stages: dict[str, AnyStage], report: Report) -> None:
    """Give a stage its inputs, which may come later in the file; `known` are all stages that it has, readable or not."""
    stage = stages[name]
    for field, item in report.part(tree.items["recipe"], "inputs").items():
        shape, absent = item.plain, False
        for leaf in [item] if not isinstance(item.value, dict | list) else [*item.items.values(), *item.members]:
            if leaf.value is not None and (not isinstance(leaf.value, str) or leaf.text not in stages):
                absent = True
                if str(leaf.text) not in known:
                    help = meant(str(leaf.text), known, "name a stage of this manifest")
                    text = f"`{name}.{field}` reads {leaf.text or str(leaf.plain):.80}, which the manifest does not have"
                    report.absent(text, leaf.span, help)
        if absent:
            report.sound = False
            continue
        object.__setattr__(stage, field, _made(shape, stages))
    whole = stage.divides() if isinstance(stage, Told) else None
    if isinstance(stage, Told) and whole in stages:
        stage.take_part_of(stages[whole])
    elif whole is not None:
        at = tree.items["declares"].items["division"].key
        report.absent(f"`{name}` divides `{whole:.80}`, which the manifest does not have", at)


def _made(shape: Any, stages: Mapping[str, AnyStage]) -> Any:
    if isinstance(shape, dict):
        return {key: stages[name] if name is not None else None for key, name in cast("dict[str, str | None]", shape).items()}
    if isinstance(shape, list):
        return tuple(stages[name] if name is not None else None for name in cast("list[str | None]", shape))
    return None if shape is None else stages[shape]
