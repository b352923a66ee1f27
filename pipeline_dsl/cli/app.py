"""The table of commands. Each is a module of this package with a function of the same name."""

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "check": "Compile pipelines and print what is wrong with them.",
    "plan": "Show what a pipeline would run, why, and what it would take.",
    "compile": "Write a pipeline's launchers for a cluster.",
    "cost": "Show what a pipeline costs, what if, and what changed.",
    "run": "Run a pipeline or a saved plan, as far as it is not done.",
    "submit": "Submit a pipeline to a cluster.",
    "cancel": "End what was submitted.",
    "gate": "Judge a run: SHIP, or HOLD with the failing gates.",
    "review": "Judge proposed manifests, without running anything that they name.",
    "override": "Sign an exception to a gate that fails, or to a missing baseline.",
    "exempt": "Sign that contaminated items are no reason to hold.",
    "log": "Show the decision log, and verify it.",
    "serve": "Serve a model that a gate let out.",
    "export": "Write a model that a gate let out to a folder.",
    "attest": "Write signed attestations of a run's artifacts and verdict.",
    "verify": "Check attestations, and the bytes that they are about.",
    "card": "Write a model card or a data card from a run's records.",
    "diff": "Show what differs between two pipelines, plans, revisions or runs.",
    "rollback": "Show what a stage's failure costs and what is kept; go back and run.",
    "bundle": "Write a run into one file, for somebody who has nothing of it.",
    "replay": "Run a finished run again, and compare it stage by stage.",
    "status": "Show how far the runs of this folder are.",
    "logs": "Print what a stage printed.",
    "graph": "Draw a pipeline.",
    "store": "List, verify or clean what was made.",
    "stage": "Run one stage of a saved plan, as launchers do.",
    "init": "Write a starter project.",
    "explain": "Explain a diagnostic's code.",
    "generate": "Write the reference and the launchers under generated/.",
}
"""Every command with its one-line help, so that `pdsl --help` imports none of them."""


class Commands(TyperGroup):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command as a list of commands shows it: its name and what it is for."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, imported now."""
        if args and args[0] not in COMMANDS:
            import difflib

            if near := difflib.get_close_matches(args[0], COMMANDS, 1):
                ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        name, command, rest = super().resolve_command(ctx, args)
        return name, _build(name) if name in COMMANDS else command, rest


def _build(name: str) -> Any:
    module = importlib.import_module(f"pipeline_dsl.cli.{name}")
    return typer.main.get_command(module.app)


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        from pipeline_dsl.runner.stage import VERSION

        print(f"pdsl {VERSION}")
        raise typer.Exit


@app.callback()
def pdsl(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    """Compile, plan, run and gate LLM pipelines written as Python declarations."""
