"""From a planned stage back to an object that can run."""

import importlib
import sys
from pathlib import Path
from typing import Any, cast

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.lang.fields import Role, StageType
from pipeline_dsl.lang.stage import Ref, Stage, stage_type
from pipeline_dsl.plan.plan import Plan, PlannedStage, reshape


def class_of(plan: Plan, planned: PlannedStage) -> type[Stage[Any]]:
    """The class of a planned stage, imported from where the plan was compiled.

    Raises: StageFailed if it is not there any more, or is of another version.
    """
    found = imported(plan, planned)
    if found.version != planned.version:
        raise StageFailed(
            f"`{planned.name}` was planned with version {planned.version} of {planned.type}; this is version {found.version}",
            help=_COMPILE,
        )
    return found


def imported(plan: Plan, planned: PlannedStage) -> type[Stage[Any]]:
    """The class that a planned stage names, of whichever version.

    Raises: StageFailed if it is not there any more, or is no stage type.
    """
    root = plan.root or str(Path.cwd())  # a launcher's plan names no folder: its modules are where it is run
    if root not in sys.path:
        sys.path.insert(0, root)
    module, _, name = planned.type.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise StageFailed(f"`{planned.name}` is a {planned.type}, which cannot be imported: {error}", help=_elsewhere(root)) from error
    if not isinstance(found, type) or not issubclass(found, Stage):
        raise StageFailed(f"`{planned.name}` is a {planned.type}, which is no stage type", help=_COMPILE)
    return cast("type[Stage[Any]]", found)


def revive(plan: Plan, planned: PlannedStage) -> tuple[Stage[Any], StageType, dict[Ref[Any], str]]:
    """The stage as declared, with bare references for inputs, its description, and the stage that each reference names.

    Raises: StageFailed, also if the class has other fields by now; BadFile if one does not fit its annotation.
    """
    described = stage_type(class_of(plan, planned))
    changed = {field.name for field in (*described.identity, *described.inputs)} ^ {*planned.fields, *planned.inputs}
    if changed:
        names = ", ".join(sorted(changed))
        raise StageFailed(f"the fields of {planned.type} are not those that `{planned.name}` was planned with: {names}", help=_COMPILE)
    parents: dict[str, Ref[Any]] = {name: Ref() for name in planned.parents}
    given = {**planned.execution, **planned.fields}
    values = {
        field.name: structure(given[field.name], field.hint, what=f"{planned.name}.{field.name}")
        for field in described.fields
        if field.role is not Role.INPUT and field.name in given
    }
    for field in described.inputs:
        shape = reshape(planned.inputs.get(field.name), parents)
        values[field.name] = tuple(cast("list[Any]", shape)) if isinstance(shape, list) else shape
    return described.cls(**values), described, {ref: name for name, ref in parents.items()}


def _elsewhere(root: str) -> str:
    return f"it was looked for in {root}: start from the folder of its project, or install it"


_COMPILE = "compile the plan again"
