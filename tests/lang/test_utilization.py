"""The predicted MFU goes the way that physics and published runs say."""

import math

import attrs
import pytest

from pipeline_dsl.lang.device import A100_40, A100_80, CPU_CORE, DEVICES, H100, H200, V100, Device
from pipeline_dsl.lang.utilization import CEILING, SPREAD, declared, predict


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: device.name)
@pytest.mark.parametrize("devices", [1, 8, 512, 100_000])
@pytest.mark.parametrize("parameters", [1e6, 7e9, 1e12, None])
def test_every_prediction_is_a_share_inside_of_its_interval(device: Device, devices: int, parameters: float | None) -> None:
    found = predict(device, devices, parameters=parameters)

    assert 0 < found.low <= found.point <= found.high <= CEILING
    assert found.basis


def test_a_fast_chip_is_harder_to_feed() -> None:
    assert predict(H100, 512, parameters=7e9).point < predict(H200, 512, parameters=7e9).point < predict(A100_80, 512, parameters=7e9).point


def test_a_network_between_machines_costs() -> None:
    assert predict(H100, 16, parameters=70e9).point < predict(H100, 8, parameters=70e9).point


def test_a_small_model_on_many_devices_is_wasteful() -> None:
    small, large = (predict(H100, 4096, parameters=parameters).point for parameters in (1e9, 405e9))

    assert small < large / 2


def test_experts_cost() -> None:
    assert predict(H100, 512, parameters=7e9, experts=True).point < predict(H100, 512, parameters=7e9).point


def test_attention_that_keeps_every_score_costs() -> None:
    assert predict(A100_40, 64, parameters=7e9, attention="eager").point < predict(A100_40, 64, parameters=7e9).point


def test_eight_bits_are_faster_where_the_device_has_them() -> None:
    assert predict(H100, 512, parameters=7e9, precision="fp8").point > predict(H100, 512, parameters=7e9).point
    assert predict(V100, 512, parameters=7e9, precision="fp8") == predict(V100, 512, parameters=7e9)


def test_activations_made_again_are_time_that_mfu_does_not_count() -> None:
    again, kept = (predict(H100, 512, parameters=7e9, recompute=recompute).point for recompute in ("full", "none"))

    assert again == pytest.approx(0.75 * kept)


def test_what_no_run_was_measured_on_is_less_certain() -> None:
    def width(device: Device) -> float:
        found = predict(device, 512, parameters=7e9)
        return math.log(found.high / found.low)

    assert width(H100) == pytest.approx(2 * SPREAD)
    assert width(H200) > 1.4 * width(H100)


def test_a_device_without_a_known_bandwidth_is_taken_for_a_balanced_one() -> None:
    unknown = attrs.evolve(A100_40, bandwidth=None)

    assert predict(unknown, 64, parameters=7e9).point == pytest.approx(predict(A100_40, 64, parameters=7e9).point, rel=0.01)


def test_a_processor_is_no_accelerator() -> None:
    assert predict(CPU_CORE, 64, parameters=7e9).basis == "assumed for CPUs"


def test_restarts_come_on_top_of_a_given_utilization() -> None:
    found = declared(0.4)

    assert (found.point, found.basis) == (0.4, "given")
    assert found.point - found.low > found.high - found.point


def test_what_was_made_again_before_flash_attention_is_not_counted_twice() -> None:
    """BLOOM (arXiv:2211.05100): 1,082,990 hours of A100 for 366e9 tokens of 176e9 parameters, all activations made again."""
    used = predict(A100_80, 384, parameters=176e9, attention="eager", recompute="full")

    assert 6 * 176e9 * 366e9 / (used.high * A100_80.peak) < 1_082_990 * 3600 < 6 * 176e9 * 366e9 / (used.low * A100_80.peak)
    assert used.point == predict(A100_80, 384, parameters=176e9, attention="eager").point
