"""The bounds of the estimates, on what was published of real runs."""

from tests.benchmarks import cost
from tests.benchmarks.published import runs, speeds
from tests.benchmarks.table import Row


def rows() -> dict[str, Row]:
    return {row.what: row for row in cost.rows()}


def test_estimates_are_as_close_to_published_hours_as_they_say() -> None:
    held = {what: row.ok for what, row in rows().items() if row.ok is not None}

    assert len(held) == 5
    assert all(held.values()), held


def test_the_published_runs_are_of_many_families_and_devices() -> None:
    known = runs()

    assert len({run.family for run in known if run.fit}) >= 20
    assert len({run.device.name for run in known}) >= 6
    assert all(0.05 < run.reached < 0.7 for run in known)


def test_what_a_framework_publishes_of_its_attention_is_counted_the_same_way() -> None:
    known = [step for step in speeds() if step.mfu is not None and step.precision == "bf16"]
    errors = [abs(cost.with_published(step, masked=False)) for step in known]

    assert len(errors) >= 200
    assert max(errors) < 0.01


def test_a_run_is_judged_by_a_fit_that_never_saw_its_family() -> None:
    known, steps = [run for run in runs() if run.fit], speeds()
    judged = {one.run.name: one.predicted for one in cost.leave_out(known, steps)}
    without = cost.fit([run for run in known if run.family != "pythia"], steps)

    assert judged["pythia-12b"] == cost.predicted(without, next(run for run in known if run.name == "pythia-12b"))
