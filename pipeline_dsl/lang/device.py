"""Accelerators: what they can do, what they hold, and what an hour costs."""

import attrs

from pipeline_dsl.base.units import Flops, Usd


@attrs.frozen(kw_only=True)
class Device:
    """One accelerator, or one CPU core.

    Peaks are dense (no sparsity), in FLOP/s; 0 says that there is no such path in its tensor cores. Memory in bytes; rates
    in bytes/s; prices in USD an hour, with their date and source.
    """

    name: str
    accelerator: bool = True
    """False for a CPU core."""
    bf16: Flops | float
    fp16: Flops | float = 0.0
    fp8: Flops | float = 0.0
    int8: Flops | float = 0.0
    fp4: Flops | float = 0.0
    memory: int
    bandwidth: float | None = None
    """Of its memory, bytes/s; None if unknown."""
    link: float = 0.0
    """To the other devices of one fast domain, bytes/s in both directions together; 0 is none."""
    domain: int = 1
    """Devices that one fast domain joins."""
    price: Usd | float | None
    price_range: tuple[float, float] | None = None
    """The lowest and the highest price that was listed."""
    price_date: str
    price_source: str

    @property
    def peak(self) -> float:
        """FLOP/s in the 16-bit format that it trains in: bf16, or fp16 where it has no bf16."""
        return float(self.bf16 or self.fp16)


def _device(
    name: str,
    peaks: tuple[float, float, float, float, float],
    memory: tuple[float, float],
    link: tuple[float, int],
    price: tuple[float, float, float],
    priced: tuple[str, str],
) -> Device:
    """A device from (bf16, fp16, fp8, int8, fp4) TFLOP/s, (GB, GB/s), (GB/s, devices), (usual, lowest, highest) USD and (date, source)."""
    bf16, fp16, fp8, int8, fp4 = (Flops(peak * 1e12) for peak in peaks)
    return Device(
        name=name,
        bf16=bf16,
        fp16=fp16,
        fp8=fp8,
        int8=int8,
        fp4=fp4,
        memory=round(memory[0] * 1e9),
        bandwidth=memory[1] * 1e9,
        link=link[0] * 1e9,
        domain=link[1],
        price=Usd(price[0]),
        price_range=price[1:],
        price_date=priced[0],
        price_source=priced[1],
    )


_OFFERS = "public offers"
_LIST = "a provider's list price"

V100 = _device("V100-SXM2-32", (0, 125, 0, 0, 0), (32, 900), (300, 8), (0.50, 0.10, 3.06), ("2024", "median of listed legacy offers"))
A100_40 = _device("A100-40-SXM", (312, 312, 0, 624, 0), (40, 1555), (600, 8), (1.30, 0.80, 3.00), ("2026-05", _OFFERS))
A100_80 = _device("A100-80-SXM", (312, 312, 0, 624, 0), (80, 2039), (600, 8), (1.50, 0.80, 3.00), ("2026-05", _OFFERS))
A800 = _device("A800-80-SXM", (312, 312, 0, 624, 0), (80, 2039), (400, 8), (1.50, 0.80, 3.00), ("2026-05", "as the A100's"))
H100 = _device(
    "H100-SXM", (989.4, 989.4, 1978.9, 1978.9, 0), (80, 3350), (900, 8), (2.95, 1.49, 7.00), ("2026-05", "median of 37 providers")
)
H100_PCIE = _device("H100-PCIe", (756, 756, 1513, 1513, 0), (80, 2039), (600, 2), (2.20, 1.35, 3.30), ("2025", _OFFERS))
H800 = _device(
    "H800-SXM",
    (989.4, 989.4, 1978.9, 1978.9, 0),
    (80, 3350),
    (400, 8),
    (2.00, 1.50, 3.00),
    ("2024-12", "assumed by the DeepSeek-V3 report, arXiv:2412.19437"),
)
H200 = _device("H200-SXM", (989.4, 989.4, 1978.9, 1978.9, 0), (141, 4800), (900, 8), (3.50, 2.50, 7.00), ("2026-05", _OFFERS))
GH200 = _device("GH200", (989.4, 989.4, 1978.9, 1978.9, 0), (96, 4000), (900, 4), (2.00, 1.49, 4.00), ("2025", _LIST))
B200 = _device(
    "B200-SXM", (2250, 2250, 4500, 4500, 9000), (180, 7700), (1800, 8), (5.00, 2.80, 12.00), ("2026-05", "median of on-demand offers")
)
GB200 = _device("GB200-NVL72", (2500, 2500, 5000, 5000, 10000), (186, 8000), (1800, 72), (6.00, 3.50, 12.00), ("2025", _OFFERS))
GB300 = _device("GB300-NVL72", (2500, 2500, 5000, 165, 15000), (288, 8000), (1800, 72), (7.00, 4.50, 15.00), ("2026", _OFFERS))
MI250X = _device("MI250X", (383, 383, 0, 383, 0), (128, 3277), (800, 4), (1.20, 0.80, 2.00), ("2024", _OFFERS))
MI300X = _device("MI300X", (1307.4, 1307.4, 2614.9, 2614.9, 0), (192, 5300), (896, 8), (2.50, 1.50, 7.90), ("2025", _OFFERS))
TPU_V3 = _device("TPUv3", (123, 0, 0, 0, 0), (32, 900), (656, 1024), (2.00, 2.00, 2.20), ("2018", _LIST))
TPU_V4 = _device("TPUv4", (275, 0, 0, 275, 0), (32, 1228), (600, 4096), (3.22, 1.40, 3.22), ("2024", _LIST))
TPU_V5E = _device("TPUv5e", (197, 0, 0, 394, 0), (16, 819), (400, 256), (1.20, 0.54, 1.20), ("2025", _LIST))
TPU_V5P = _device("TPUv5p", (459, 0, 0, 918, 0), (95, 2765), (1200, 8960), (4.20, 1.89, 4.20), ("2025", _LIST))
TPU_V6E = _device("TPUv6e", (918, 0, 918, 1836, 0), (32, 1640), (800, 256), (2.70, 1.22, 2.70), ("2025", _LIST))
L4 = _device("L4", (121, 121, 242.5, 242.5, 0), (24, 300), (0, 1), (0.70, 0.35, 0.85), ("2025", _LIST))
L40S = _device("L40S", (362, 362, 733, 733, 0), (48, 864), (0, 1), (1.00, 0.50, 2.00), ("2025", _OFFERS))
A10G = _device("A10G", (70, 70, 0, 140, 0), (24, 600), (0, 1), (1.00, 0.75, 1.21), ("2025", _LIST))
RTX_4090 = _device("RTX-4090", (165.2, 165.2, 330.3, 660.6, 0), (24, 1008), (0, 1), (0.40, 0.20, 0.70), ("2025", _OFFERS))

CPU_CORE = Device(
    name="CPU-core",
    accelerator=False,
    bf16=Flops(80e9),
    memory=4 * 10**9,
    price=Usd(0.05),
    price_date="2025",
    price_source="on-demand list price of a general-purpose virtual CPU; peak of one AVX2 core, fp32",
)

DEVICES = {
    device.name: device
    for device in (
        *(V100, A100_40, A100_80, A800, H100, H100_PCIE, H800, H200, GH200, B200, GB200, GB300, MI250X, MI300X),
        *(TPU_V3, TPU_V4, TPU_V5E, TPU_V5P, TPU_V6E, L4, L40S, A10G, RTX_4090, CPU_CORE),
    )
}
"""The catalogue, by name."""
