"""`pdsl generate`: the committed reference, made from the code that it describes."""

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
from pipeline_dsl.compiler import examples
from pipeline_dsl.compiler.catalogue import Entry
from pipeline_dsl.gates.metrics import METRICS
from pipeline_dsl.lang.fields import Role
from pipeline_dsl.lang.stage import Stage, stage_type
from pipeline_dsl.store.files import write_atomically
from pipeline_dsl.store.manifest import Manifest

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def generate(
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path("generated"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is stale, missing or stray.")] = False,
) -> None:
    """Write the reference: diagnostics, stage types, metrics, and the manifest's JSON Schema.

    Example: pdsl generate --check
    """
    wanted = {out / "reference" / name: text for name, text in reference().items()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stray = [path for path in sorted((out / "reference").glob("**/*")) if path.is_file() and path not in wanted]
    if check:
        for path in stale:
            print(f"{path} is stale: run `pdsl generate`")
        for path in stray:
            print(f"{path} is stray: remove it, or run `pdsl generate`")
        if stale or stray:
            raise typer.Exit(int(Exit.FINDINGS))
        return
    for path in stale:
        write_atomically(path, wanted[path].encode())
    for path in stray:
        path.unlink()
    print(f"{len(stale)} files written, {len(stray)} removed, {len(wanted) - len(stale)} as they should be")


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
