"""What a model learnt from, and what was only measured on."""

import attrs
import pytest

from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.provenance.cards.facts import learnt_from, measured_on
from pipeline_dsl.provenance.cards.sources import hub_licence
from tests.command import ROOT


@pytest.fixture(scope="module")
def tiny() -> Plan:
    compiled = compile_target(str(ROOT / "pipelines" / "tiny.py"))
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


def kinds(plan: Plan, kind: str) -> list[str]:
    return [stage.name for stage in plan.stages if stage.kind == kind]


def test_held_out_data_is_not_learnt_from(tiny: Plan) -> None:
    learnt = learnt_from(tiny, kinds(tiny, "quantize")[0])
    splits = {name: tiny.stage(name).fields["part"] in ("train",) for name in kinds(tiny, "split")}
    assert {name: name in learnt for name in splits} == splits
    assert not learnt & {*kinds(tiny, "questions"), *kinds(tiny, "evaluate"), *kinds(tiny, "serve")}
    assert set(kinds(tiny, "train_reward")) < learnt


def test_an_input_is_only_measured_on_if_its_type_says_so(tiny: Plan) -> None:
    pretrain = tiny.stage(kinds(tiny, "pretrain")[0])
    assert measured_on(pretrain) == {"validation"}
    assert measured_on(attrs.evolve(pretrain, type="pipeline_dsl.stages.gone:Gone")) is None
    strange = attrs.evolve(pretrain, type="elsewhere:Train", declares={})
    assert measured_on(strange) is None
    assert measured_on(attrs.evolve(strange, declares={"inputs": {"data": {}, "validation": {"held_out": True}}})) == {"validation"}


@pytest.mark.parametrize(
    ("licences", "hub"),
    [
        ([], ("unknown", None)),
        (["Apache-2.0"], ("apache-2.0", None)),
        (["GPL-3.0-or-later"], ("gpl-3.0", None)),
        (["ODC-By-1.0"], ("odc-by", None)),
        (["LicenseRef-ours"], ("other", "LicenseRef-ours")),
        (["MIT", "Apache-2.0", "MIT"], ("other", "Apache-2.0 AND MIT")),
        (["MIT OR Apache-2.0", "CC0-1.0"], ("other", "CC0-1.0 AND (MIT OR Apache-2.0)")),
    ],
)
def test_licences_are_told_as_the_hub_has_them(licences: list[str], hub: tuple[str, str | None]) -> None:
    assert tuple(hub_licence(licences).values()) == hub
