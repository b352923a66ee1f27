"""`pdsl diff`: what differs, which stages that invalidates, what it costs, and what nothing explains."""

import sys
from typing import Annotated

import typer

from pipeline_dsl.base.fault import Exit, Usage
from pipeline_dsl.cli.formats.difference import as_markdown, as_text
from pipeline_dsl.cli.formats.difference_data import as_data
from pipeline_dsl.cli.impact import Impact, impact
from pipeline_dsl.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from pipeline_dsl.cli.side import sides

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_SIDE = "a manifest.yaml, a saved plan.json, a pipeline's file or module, REVISION:FILE, or a git revision alone"


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help=f"What was: {_SIDE}.")],
    new: Annotated[str, typer.Argument(metavar="B", help="What is; a revision alone means the other side's file as it was then.")],
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show what differs from A to B: fields, stages, what must run again and what that costs; of two runs also what came of it.

    A stage runs again if its own fields or inputs changed, or those of one above it; a stage whose inputs come out the same bytes is
    then skipped after all. Costs are by records, where the same recipe was run, else by the plan's estimates.

    Of two manifests it also shows which metrics moved beyond noise (a 95% interval that excludes no change), other libraries, hardware
    and code, and red flags: what differs though nothing that is declared explains it. Cost and wall clock may differ, if not much.
    Numbers are read from the store. What only a manifest says is called claimed; a manifest in .pdsl/runs is held against the
    store beside it, another one against --store.

    Exits as diff does: 0 if nothing differs but cost and wall clock, 1 if something does; 4 if a manifest contradicts itself or its
    store; 2 if A or B cannot be read.

    \b
    Examples:
      pdsl diff main pipelines/tiny.py --markdown
      pdsl diff HEAD~3:pipelines/tiny.py plan.json
      pdsl diff .pdsl/runs/tiny-0a1b2c3d4e5f .pdsl/runs/tiny-5e4d3c2b1a0f --json
    """
    if json and markdown:
        raise Usage("`--json` and `--markdown` are two formats", help="give one of them")
    found = impact(*sides(old, new, store))
    if json:
        import json as codec

        print(codec.dumps(as_data(found), indent=1))
    else:
        text, encoding = as_markdown(found) if markdown else as_text(found), sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    if code := _exit(found):
        raise typer.Exit(int(code))


def _exit(found: Impact) -> Exit:
    if any(flag.cause in ("chain", "claim") for flag in found.flags):
        return Exit.DIGEST
    return Exit.OK if found.same else Exit.FINDINGS
