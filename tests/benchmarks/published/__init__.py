"""What others published of their runs: facts to judge the estimates by."""

import csv
import math
from pathlib import Path

import attrs

from pipeline_dsl.base.flops import forward_flops, training_flops
from pipeline_dsl.lang.device import DEVICES, Device
from pipeline_dsl.lang.utilization import features

FOLDER = Path(__file__).parent
_MONTH = 30 * 86400.0


@attrs.frozen(kw_only=True)
class Training:
    """One training, a whole run or a few measured steps; None is unpublished."""

    name: str
    family: str
    device: Device
    published_devices: int | None
    parameters: float
    """Active for a token."""
    layers: int
    hidden: int
    width: int
    """Of all attention heads together."""
    vocabulary: int
    tied: bool
    length: int
    experts: bool
    precision: str
    eager: bool = False
    mfu: float | None = None
    fit: bool = True
    tokens: float
    hours: float
    """Device-hours for those tokens."""

    @property
    def flops(self) -> float:
        """Model FLOPs of the training, counted from its shape: exact matrix products and causal attention."""
        matrices = self.parameters - (0 if self.tied or not self.length else self.vocabulary * self.hidden)
        forward = forward_flops(matrices, self.tokens, layers=self.layers, attention_width=self.width, length=self.length)
        return training_flops(forward)

    @property
    def attention(self) -> float:
        """Of them, those of attention, halved by the causal mask."""
        return training_flops(forward_flops(0, self.tokens, layers=self.layers, attention_width=self.width, length=self.length))

    @property
    def devices(self) -> int:
        """As published; else as many as would take a month at 40% of the peak, which the FLOPs alone say, to a power of two."""
        if self.published_devices is not None:
            return self.published_devices
        return 2 ** round(math.log2(max(8.0, self.flops / (0.4 * self.device.peak * _MONTH))))

    @property
    def reached(self) -> float:
        """The share of the peak that the published hours imply."""
        return self.flops / (self.device.peak * self.hours * 3600)

    @property
    def features(self) -> dict[str, float]:
        """What the prediction looks at."""
        fp8 = "fp8" in self.precision
        return features(self.device, self.devices, parameters=self.parameters, experts=self.experts, fp8=fp8, eager=self.eager)


def runs() -> list[Training]:
    """Whole pre-training runs with published hours."""
    return [
        _training(row, name=row["id"], family=row["family"], tokens=float(row["tokens"]), hours=float(row["gpu_hours"]))
        for row in _rows("runs.csv")
    ]


def speeds() -> list[Training]:
    """Measured steps; of every framework's, an hour of one device. Those in four bits are left out: nothing here predicts them."""
    return [
        _training(row, name=row["model"], family=row["source"], tokens=3600 * float(row["tokens_per_second"]), hours=1.0)
        for row in _rows("speeds.csv")
        if row["precision"] != "nvfp4"
    ]


def _training(row: dict[str, str], *, name: str, family: str, tokens: float, hours: float) -> Training:
    return Training(
        name=name,
        family=family,
        device=DEVICES[row["device"]],
        published_devices=int(row["devices"]) if row["devices"] else None,
        parameters=float(row["parameters"]),
        layers=int(row["layers"]),
        hidden=int(row["hidden"]),
        width=int(row["width"]),
        vocabulary=int(row["vocabulary"]),
        tied=row["tied"] == "1",
        length=int(row["length"]),
        experts=row["experts"] == "1",
        precision=row["precision"],
        eager=row.get("eager", str(int(row["source"] == "megatron-2021"))) == "1",
        mfu=float(row["mfu"]) if row["mfu"] else None,
        fit=row.get("fit", "1") == "1",
        tokens=tokens,
        hours=hours,
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
