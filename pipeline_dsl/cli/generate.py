"""`pdsl generate`: what is committed and made: the reference, from the code that it describes, and launchers, from pipelines."""

import inspect
import json as codec
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, cast

import attrs
import typer

from pipeline_dsl import stages
from pipeline_dsl.base.fault import Exit
from pipeline_dsl.base.schema import json_schema
from pipeline_dsl.cli.explain import entries, refused
from pipeline_dsl.cli.options import plan_of
from pipeline_dsl.compiler import examples
from pipeline_dsl.compiler.catalogue import Entry
from pipeline_dsl.compiler.recognize import declares_pipeline
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.lang.fields import Role
from pipeline_dsl.lang.stage import Stage, stage_type
from pipeline_dsl.render import generate as launching
from pipeline_dsl.render.backend import Rendered
from pipeline_dsl.store.manifest import Manifest

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def generate(
    out: Annotated[Path, typer.Option("--out", help="The folder to write to; all that it holds is made.")] = Path("generated"),
    pipelines: Annotated[Path, typer.Option("--pipelines", help="The folder of the pipelines whose launchers are made.")] = Path(
        "pipelines"
    ),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is stale, missing or stray.")] = False,
) -> None:
    """Write the reference (diagnostics, stage types, metrics, the manifest's JSON Schema) and the launchers of every pipeline.

    A pipeline has launchers for the backends that it declares settings for, and for this machine if it fits there.

    Example: pdsl generate --check
    """
    wanted = {Path("reference", name): Rendered(name, text) for name, text in reference().items()}
    for file in sorted(pipelines.glob("*.py")):
        if declares_pipeline(str(file)):
            wanted |= _launchers(file)
    found = launching.difference(out, wanted)
    if check:
        for path in found.stale:
            print(f"{out / path} is stale: run `pdsl generate`")
        for path in found.stray:
            print(f"{out / path} is stray: remove it, or run `pdsl generate`")
        if found.stale or found.stray:
            raise typer.Exit(int(Exit.FINDINGS))
        return
    launching.settle(out, wanted, found)
    print(f"{len(found.stale)} files written, {len(found.stray)} removed, {len(wanted) - len(found.stale)} as they should be")


def _launchers(file: Path) -> dict[Path, Rendered]:
    """What `pdsl compile` writes for a pipeline."""
    plan, _ = plan_of(str(file))
    found: dict[Path, Rendered] = {}
    for name in launching.suiting(plan):
        found |= launching.by_path(launching.files(plan, name), f"{plan.pipeline}/{name}")
    return found


def reference() -> dict[str, str]:
    """The text of every file of the reference, by name."""
    schema = json_schema(Manifest, identifier="urn:pdsl:manifest:1")
    return {
        "manifest.schema.json": codec.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        "diagnostics.md": _index(),
        **{f"diagnostics/{entry.code}.md": _page(entry) for entry in entries()},
        "stages.md": _stages(),
        "metrics.md": _metrics(),
    }


def _index() -> str:
    parts = ["# Diagnostics and faults", "", "Every code has a page: what `pdsl explain CODE` prints.", ""]
    parts += ["A warning that is meant so is allowed by a comment where it is declared: `# pdsl: allow[CODE] reason`.", ""]
    for part, found in groupby(entries(), key=lambda entry: entry.part):
        parts += [f"## {part.capitalize()}", "", "| code | kind | what it says |", "|---|---|---|"]
        parts += [f"| [{entry.code}](diagnostics/{entry.code}.md) | {entry.kind} | {_cell(entry.first_line)} |" for entry in found]
        parts.append("")
    return "\n".join(parts)


def _page(entry: Entry) -> str:
    parts = [f"# {entry.code}: {entry.title}", "", f"{entry.kind.capitalize()}, {entry.part}.", "", entry.text.strip(), ""]
    if entry.bad:
        text, said = refused(entry)
        parts += ["Refused:" if entry.kind == "error" else "Warned of:", "", *_block("python", text), "With:", "", *_block("text", said)]
    if entry.good:
        parts += ["Right:", "", *_block("python", examples.module(entry.good))]
    return "\n".join(parts)


def _block(language: str, text: str) -> list[str]:
    return [f"```{language}", *(line.rstrip() for line in text.strip().split("\n")), "```", ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _stages() -> str:
    parts = ["# Stage types", "", "Fields decide the result and enter its digest, unless they are marked as execution.", ""]
    for name in sorted(stages.__all__):
        cls: Any = getattr(stages, name)
        if not (isinstance(cls, type) and issubclass(cls, Stage)):
            continue
        described = stage_type(cast("Any", cls))
        parts += [f"## {name}", "", inspect.cleandoc(cls.__doc__ or ""), "", f"Makes: {described.produces.__name__}.", ""]
        parts += ["| field | role | type | default |", "|---|---|---|---|"]
        for field in described.fields:
            if field.name in attrs.fields_dict(Stage):
                continue
            role = "held-out input" if field.held_out else str(field.role)
            wanted = " or ".join(kind.__name__ for kind in field.wanted) if field.role is Role.INPUT else _hint(cls, field.name)
            default = "required" if field.default is attrs.NOTHING else _default(field.default)
            parts.append(f"| `{field.name}` | {role} | {wanted} | {default} |")
        parts.append("")
    return "\n".join(parts)


def _hint(cls: Any, name: str) -> str:
    for base in cls.__mro__:
        hints = inspect.get_annotations(base)
        if name in hints:
            hint = hints[name]
            text = hint if isinstance(hint, str) else inspect.formatannotation(hint)
            return f"`{text.replace('typing.', '').replace('|', ' or ')}`"
    raise LookupError(f"{cls.__name__}.{name} has no annotation")


def _default(value: Any) -> str:
    return f"`{value!r}`".replace("|", "\\|")


def _metrics() -> str:
    parts = ["# Metrics that gates may name", "", "Beside these, every task of an `Evaluate` stage is one.", ""]
    parts += ["| metric | unit | better | family |", "|---|---|---|---|"]
    parts += [f"| `{metric.name}` | {metric.unit} | {metric.better} | {metric.family} |" for metric in METRICS.values()]
    return "\n".join([*parts, ""])
