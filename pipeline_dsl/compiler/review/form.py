"""Whether what nothing else of a review reads closely has the form that it has in a manifest: one value, a list or a mapping."""

from collections.abc import Iterator, Mapping

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.review.findings import FieldUnknown
from pipeline_dsl.compiler.review.tree import Tree

_VALUE, _LIST, _MAPPING = "one value", "a list", "a mapping"

_TOP = {
    **dict.fromkeys(("pipeline_version", "git_commit", "author", "plan", "failed_stage", "reason", "ships"), _VALUE),
    **dict.fromkeys(("pending", "overrides"), _LIST),
    "gate_stages": _MAPPING,
}
_STAGE = {
    **dict.fromkeys(("kind", "definition", "action", "record", "output_hash", "hardware", "code"), _VALUE),
    **dict.fromkeys(("metrics", "libraries", "declares", "estimate"), _MAPPING),
}


def misshapen(root: Tree) -> Iterator[Diagnostic]:
    """A mapping or a list where one value belongs, and the other way round, in a manifest that is written in full, and in its stages."""
    yield from _members(root, _TOP, "a manifest")
    for name, tree in root.items["stages"].items.items() if "stages" in root.items else ():
        yield from _members(tree, _STAGE, f"`{name}`")


def _members(tree: Tree, forms: Mapping[str, str], whose: str) -> Iterator[Diagnostic]:
    for name, form in forms.items():
        item = tree.items.get(name)
        if item is None or item.value is None:
            continue
        given = _MAPPING if isinstance(item.value, dict) else _LIST if isinstance(item.value, list) else _VALUE
        if given != form:
            yield FieldUnknown.finding(f"`{name}` of {whose} is {form}, not {given}", item.key, help=f"write {form}, or leave it out")
