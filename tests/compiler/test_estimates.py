"""What a stage takes on a machine: hours, dollars, and how sure that is."""

import attrs
import pytest

from pipeline_dsl import A100_80, H100, Device, Hardware, Llama
from pipeline_dsl.base.flops import TRAINING
from pipeline_dsl.base.units import Flops, Seconds
from pipeline_dsl.compiler.passes.estimates import estimate
from pipeline_dsl.lang.size import Work

SEVEN = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11008, vocabulary=32_000, context=4096)
SEVENTY = Llama(hidden=8192, layers=80, heads=64, kv_heads=8, ffn=28672, vocabulary=32_000, context=4096)
UNPRICED = attrs.evolve(H100, name="ours", price=None, price_range=None)


def hours(model: Llama, tokens: float, place: Hardware) -> tuple[float, float, float]:
    found = estimate(Work.passes(model, TRAINING, tokens=tokens, length=4096), place).seconds
    return tuple(end * place.devices / 3600 for end in (found.low, found.point, found.high))  # type: ignore[return-value]


def test_the_hours_of_llama_2_lie_in_the_interval_of_a_prediction() -> None:
    for model, devices, published in ((SEVEN, 256, 184_320), (SEVENTY, 2048, 1_720_320)):  # arXiv:2307.09288, table 2
        low, point, high = hours(model, 2e12, Hardware(device=A100_80, count=8, nodes=devices // 8))

        assert low < published < high
        assert point == pytest.approx(published, rel=0.25)


def test_forty_percent_on_h100_at_two_fifty_is_a_hundred_and_fifty_thousand_dollars() -> None:
    place = Hardware(device=H100, count=8, nodes=128, mfu=0.40, price=2.50)
    found = estimate(Work.passes(SEVEN, TRAINING, tokens=2e12, length=4096), place)
    rule = 2.50 * 6 * 7e9 * 2e12 / (0.40 * 989.4e12) / 3600  # $147,000 by the rule of thumb and a round 7 billion

    assert found.usd is not None
    assert found.usd.point == pytest.approx(rule, rel=0.05)
    assert found.six_nd == pytest.approx(6 * 6.738e9 * 2e12, rel=1e-3)


def test_an_unknown_price_is_unknown() -> None:
    found = estimate(Work(flops=Flops(1e20), million=Work(flops=Flops(1e15))), Hardware(device=UNPRICED))

    assert (found.usd, found.million_usd) == (None, None)
    assert "price unknown" in found.assumptions


def test_a_free_machine_costs_nothing_and_is_known_to() -> None:
    found = estimate(Work(flops=Flops(1e20)), Hardware(device=UNPRICED, price=0.0))

    assert found.usd is not None
    assert found.usd.point == 0


def test_time_that_no_device_shortens_is_certain() -> None:
    found = estimate(Work(seconds=Seconds(60)), Hardware(device=H100, count=8))

    assert (found.seconds.low, found.seconds.point, found.seconds.high) == (60, 60, 60)
    assert found.mfu is None


def test_few_answers_at_once_take_as_long_as_reading_the_weights() -> None:
    work = Work.writing(SEVEN, tokens=1000, at_once=1, prompt=1, answer=1000)
    found = estimate(work, Hardware(device=H100))

    assert found.seconds.point == pytest.approx(work.read / (0.55 * 3350e9), rel=0.01)


def test_many_answers_at_once_are_bound_by_arithmetic() -> None:
    fast = attrs.evolve(H100, bandwidth=1e18)
    work = Work.writing(SEVEN, tokens=1e6, at_once=1e6, prompt=1, answer=10)
    found = estimate(work, Hardware(device=fast, mfu=0.5))

    assert found.seconds.point == pytest.approx((work.written + work.flops) / (0.5 * 989.4e12), rel=0.01)


def test_writing_on_a_device_of_unknown_bandwidth_is_a_lower_bound() -> None:
    blind = attrs.evolve(H100, name="blind", bandwidth=None)

    assert "bandwidth of blind" in estimate(Work.writing(SEVEN, tokens=10, at_once=1, prompt=1, answer=10), Hardware(device=blind)).unknown


def test_an_estimate_says_what_it_assumed() -> None:
    said = estimate(Work.passes(SEVEN, TRAINING, tokens=1e9, length=4096), Hardware(device=H100, count=8)).assumptions

    assert "8 x H100-SXM" in said
    assert "MFU" in said
    assert "predicted from published runs" in said
    assert "$2.95/h (2026-05, listed $1.49-7)" in said


def test_a_million_served_tokens_cost_less_the_more_are_asked_for_at_a_time() -> None:
    def million(at_once: int) -> float:
        written = Work.writing(SEVEN, tokens=1e6, at_once=at_once, prompt=512, answer=128)
        found = estimate(Work(million=written), Hardware(device=H100)).million_usd
        assert found is not None
        return found.point

    assert million(64) < million(8) / 2 < million(1) / 8


@pytest.mark.parametrize("device", [Device(name="X", bf16=1e15, memory=10**9, price=1.0, price_date="", price_source="")])
def test_a_device_of_nobody_is_estimated_with_a_wider_interval(device: Device) -> None:
    found = estimate(Work(flops=Flops(1e20)), Hardware(device=device)).seconds

    assert found.high / found.low > 2
