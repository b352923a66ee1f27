"""A scaling law is fitted to runs that really ran, and says how sure it is."""

import json
from typing import Any

import attrs
import pytest

from pipeline_dsl import Llama
from pipeline_dsl.ml.power_law import PowerLaw, fit
from pipeline_dsl.stages.scaling import FitScalingLaw, non_embedding
from tests.stages.training_bench import LENGTH, TINY, TrainingBench
from tests.stages.workbench import declared, messages, revived

pytestmark = pytest.mark.stages

SIZES = tuple(attrs.evolve(TINY, hidden=hidden, ffn=2 * hidden) for hidden in (8, 16, 32))
NEXT = attrs.evolve(TINY, hidden=64, ffn=128)
LAW = PowerLaw(irreducible=2.0, coefficient=80.0, exponent=0.3)


def scaling(bench: TrainingBench, **changes: Any) -> FitScalingLaw:
    given: dict[str, Any] = {
        "data": bench.train,
        "validation": bench.validation,
        "tokenizer": bench.tokenizer,
        "sizes": SIZES,
        "predicts": NEXT,
        "tokens": 30 * 16 * LENGTH,
        "batch": 16,
        "learning_rate": 1e-2,
        "precision": "fp32",
        "validate_on": 32,
    }
    return FitScalingLaw(**given | changes)


def test_larger_runs_end_lower_and_the_law_says_so_of_the_next(tmp_path: Any) -> None:
    bench = TrainingBench(tmp_path)

    law = bench.attempt(scaling(bench))

    record = json.loads((bench.output / "runs.json").read_text())
    losses = [run["loss"] for run in record["runs"]]
    assert losses == sorted(losses, reverse=True)
    assert [run["non_embedding_parameters"] for run in record["runs"]] == [non_embedding(size) for size in SIZES]
    assert (law.predicted_at, law.predicted_loss) == (non_embedding(NEXT), record["prediction"]["loss"])
    assert 0 < law.predicted_loss < losses[-1]
    assert law.predicted_loss == pytest.approx(law.irreducible + law.coefficient / law.predicted_at**law.exponent)
    assert bench.attempt(scaling(bench)) == law  # finished runs are kept


def test_a_law_is_recovered_from_points_on_it() -> None:
    sizes = [10_000 * 4**power for power in range(8)]

    found = fit([(size, LAW(size)) for size in sizes]).law

    assert found.irreducible == pytest.approx(LAW.irreducible, rel=0.05)
    assert found.exponent == pytest.approx(LAW.exponent, rel=0.05)
    assert found(10**10) == pytest.approx(LAW(10**10), rel=0.02)


def test_the_true_loss_of_the_next_size_lies_within_the_stated_uncertainty() -> None:
    fitted = fit([(size, LAW(size)) for size in (50_000, 150_000, 450_000)])

    assert abs(fitted.law(1_500_000) - LAW(1_500_000)) < 2 * fitted.uncertainty(1_500_000)
    assert fitted.uncertainty(1_500_000) > fitted.uncertainty(150_000)


def test_three_points_that_do_not_fall_still_give_a_law_within_bounds() -> None:
    law = fit([(50_000, 5.0), (150_000, 5.02), (450_000, 5.01)]).law

    assert 0 <= law.irreducible <= 5.0
    assert 0 < law(1_500_000) < 5.1


def test_two_sizes_give_no_law() -> None:
    with pytest.raises(ValueError, match="three sizes"):
        fit([(50_000, 5.0), (50_000, 5.1), (100_000, 4.9)])


def test_non_embedding_parameters_are_those_of_the_blocks_and_the_last_norm() -> None:
    model = Llama(hidden=8, layers=2, heads=2, kv_heads=1, ffn=16, vocabulary=100, context=8)
    block = 2 * 8 * 8 + 2 * 8 * 4 + 3 * 8 * 16 + 2 * 8

    assert non_embedding(model) == non_embedding(attrs.evolve(model, tied=True)) == 2 * block + 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": SIZES[:2]}, "sizes: a law has three unknowns, and 2 different sizes are given; give three or more"),
        ({"sizes": (*SIZES, SIZES[0])}, "3 different sizes are given"),
        ({"predicts": SIZES[-1]}, "predicts: 18,592 non-embedding parameters are no more than the largest run has"),
        ({"predicts": attrs.evolve(NEXT, vocabulary=128)}, "different vocabularies"),
        ({"sizes": (*SIZES[:2], attrs.evolve(SIZES[2], kv_heads=3))}, "sizes: heads = 2 is not a multiple of kv_heads = 3"),
    ],
)
def test_a_declaration_that_gives_no_law_says_so(tmp_path: Any, changes: dict[str, Any], said: str) -> None:
    assert said in messages(scaling(TrainingBench(tmp_path), **changes))


def test_a_stage_survives_the_journey_through_a_plan(tmp_path: Any) -> None:
    stage = scaling(TrainingBench(tmp_path))

    assert revived(stage) == declared(stage)
