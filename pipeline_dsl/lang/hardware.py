"""Machines and what an hour on them costs."""

import attrs

from pipeline_dsl.base.units import Flops, Usd


@attrs.frozen(kw_only=True)
class Device:
    """One accelerator, or one CPU core.

    Peaks are dense (no sparsity), in FLOP/s; memory in bytes; prices in USD an hour with their date and source.
    """

    name: str
    bf16: Flops | float
    memory: int
    price: Usd | float | None
    price_date: str
    price_source: str


def _gpu(name: str, tflops: float, gigabytes: int, price: float, date: str, source: str) -> Device:
    return Device(
        name=name,
        bf16=Flops(tflops * 1e12),
        memory=gigabytes * 10**9,
        price=Usd(price),
        price_date=date,
        price_source=source,
    )


V100 = _gpu("V100-SXM2-32", 125, 32, 0.50, "2024", "median of listed legacy offers; fp16 peak, it has no bf16")
A100_40 = _gpu("A100-40-SXM", 312, 40, 1.30, "2026-05", "public offers, 0.80 to 3.00")
A100_80 = _gpu("A100-80-SXM", 312, 80, 1.50, "2026-05", "public offers, 0.80 to 3.00")
H100 = _gpu("H100-SXM", 989.4, 80, 2.95, "2026-05", "median of 37 providers")
H800 = _gpu("H800-SXM", 989.4, 80, 2.00, "2024-12", "assumed by the DeepSeek-V3 report, arXiv:2412.19437")
H200 = _gpu("H200-SXM", 989.4, 141, 3.50, "2026-05", "public offers, 2.50 to 7.00")
B200 = _gpu("B200-SXM", 2250, 180, 5.00, "2026-05", "median of on-demand offers")
MI300X = _gpu("MI300X", 1307.4, 192, 2.50, "2025", "public offers")
L40S = _gpu("L40S", 362, 48, 1.00, "2025", "public offers")

CPU_CORE = Device(
    name="CPU-core",
    bf16=Flops(80e9),
    memory=4 * 10**9,
    price=Usd(0.05),
    price_date="2025",
    price_source="on-demand list price of a general-purpose virtual CPU; peak of one AVX2 core, fp32",
)

DEVICES = {device.name: device for device in (V100, A100_40, A100_80, H100, H800, H200, B200, MI300X, L40S, CPU_CORE)}
"""The catalogue, by name."""


@attrs.frozen(kw_only=True)
class Hardware:
    """Where a stage runs: `nodes` machines with `count` devices each.

    `mfu` is the share of the peak that model FLOPs reach (Chowdhery et al., 2022, arXiv:2204.02311, section 4.1); without
    one, a range that published runs fall into is assumed. `price` replaces the catalogue's.
    """

    device: Device
    count: int = 1
    nodes: int = 1
    mfu: float | None = None
    price: Usd | float | None = None

    @property
    def devices(self) -> int:
        """Devices in all."""
        return self.count * self.nodes

    @property
    def hourly(self) -> float | None:
        """USD for an hour of one device; None if nobody said."""
        return self.device.price if self.price is None else self.price

    @property
    def mfu_range(self) -> tuple[float, float, float]:
        """(low, point, high) of the share of peak that is reached."""
        if self.mfu is not None:
            return 0.9 * self.mfu, self.mfu, min(1.0, 1.1 * self.mfu)
        return 0.25, 0.38, 0.52

    def cost(self, seconds: float) -> Usd | None:
        """What holding all devices for so long costs; None if the price is unknown."""
        return None if self.hourly is None else Usd(self.hourly * self.devices * seconds / 3600)
