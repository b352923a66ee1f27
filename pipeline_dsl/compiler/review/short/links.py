"""The hash chain of a manifest in the short spelling."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.review.findings import ChainBroken, DigestMalformed
from pipeline_dsl.compiler.review.short.hashes import combined, hash_of, hashes_of, is_open
from pipeline_dsl.compiler.review.tree import Tree
from pipeline_dsl.plan.plan import leaves

_ABBREVIATED = 16
"""Digits to which people cut a digest so that it can be read; of another length it was damaged."""
_HEX = re.compile(r"sha256:[0-9a-fA-F]{6,64}").fullmatch


def links(stages: Mapping[str, Tree]) -> Iterator[Diagnostic]:
    """The hash chain: what a stage read is what one before it made; the first reads what comes from outside."""
    made: dict[str, str] = {}
    for place, (name, stage) in enumerate(stages.items()):
        for field in ("input_hash", "output_hash"):
            yield from _malformed(name, field, stage.items.get(field))
        read = hashes_of(stage.items.get("input_hash"))
        named = [str(one) for one in leaves(_inputs_of(stage))]
        wanted = {digest: other for digest, other in made.items() if other in named} or made
        strange = [one for one in read if one not in wanted and not (len(read) == 1 and combined(one, made))] if place and made else []
        for digest in strange:
            tree = stage.items["input_hash"]
            whose = f"`{named[0]}` made {_shown(stages, named[0])}" if named else "no stage before it made that"
            help = "the output hash of a stage is the input hash of the next: find out which of the two was changed"
            yield ChainBroken.finding(f"`{name}` read {digest:.24}, {whose}", tree.key, help=help)
        if hash_of(stage.items.get("output_hash")) and not read and place and "input_hash" not in stage.items:
            text = f"`{name}` has a result, and does not say what it read"
            yield ChainBroken.finding(text, stage.items["output_hash"].key, help="give its `input_hash`")
        if digest := hash_of(stage.items.get("output_hash")):
            if not strange and (digest in read or digest in made):
                whose = "what it read" if digest in read else f"what `{made[digest]}` made"
                help = "hash what the stage itself wrote: a hash was copied, or the stage did nothing"
                yield ChainBroken.finding(f"`{name}` made exactly {whose}", stage.items["output_hash"].key, help=help)
            made[digest] = name


def _inputs_of(stage: Tree) -> Any:
    recipe = stage.items.get("recipe")
    inputs = recipe.items.get("inputs") if recipe is not None else None
    return [one for key, item in inputs.items.items() if key != "reference" for one in leaves(item.plain)] if inputs is not None else None


def _shown(stages: Mapping[str, Tree], name: str) -> str:
    return f"{hash_of(stages[name].items.get('output_hash')) or 'nothing':.24}" if name in stages else "nothing"


def _malformed(name: str, field: str, tree: Tree | None) -> Iterator[Diagnostic]:
    for item in () if tree is None else (tree,) if not isinstance(tree.value, dict | list) else (*tree.items.values(), *tree.members):
        if item.value is None or (isinstance(item.value, str) and is_open(item.value)):
            continue
        if not isinstance(item.value, str) or not _HEX(item.value):
            help = "a digest is `sha256:` and 64 hexadecimal digits; a name can point at anything"
            yield DigestMalformed.finding(f"`{field}` of `{name}` is no digest: {item.text or ''!r:.80}", item.span, help=help)
        elif len("sha256:") + _ABBREVIATED < len(item.value) < len("sha256:") + 64:
            help = "write all 64 digits"
            yield DigestMalformed.finding(f"`{field}` of `{name}` has {len(item.value) - 7} digits, a digest has 64", item.span, help=help)
        elif len(item.value) < len("sha256:") + 64:
            found = DigestMalformed.finding(f"`{field}` of `{name}` is cut short", item.span, help="write all 64 digits")
            yield attrs.evolve(found, severity=Severity.WARNING)
