"""What a plan would take elsewhere: on another device, at another utilization or price. Nothing else about it changes."""

from collections.abc import Iterable

import attrs

from pipeline_dsl.base.fault import Usage
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.compiler.passes import estimates
from pipeline_dsl.lang.device import DEVICES, Device
from pipeline_dsl.lang.hardware import Hardware
from pipeline_dsl.plan.plan import Estimate, PlannedStage


@attrs.frozen(kw_only=True)
class WhatIf:
    """What is supposed of the accelerators of a pipeline, or of all its devices if it has none; None is as declared."""

    device: Device | None = None
    mfu: float | None = None
    price: float | None = None

    @property
    def nothing(self) -> bool:
        """Whether all is as declared."""
        return self.device is None and self.mfu is None and self.price is None

    def place(self, place: Hardware) -> Hardware:
        """A place, as it is supposed. What was declared of another device, its utilization and price, does not hold for this one."""
        if self.device is not None and self.device != place.device:
            place = attrs.evolve(place, device=self.device, mfu=None, price=None)
        mfu = place.mfu if self.mfu is None else self.mfu
        return attrs.evolve(place, mfu=mfu, price=place.price if self.price is None else self.price)

    def __str__(self) -> str:
        said: list[str] = []
        if self.device is not None:
            said.append(f"on {self.device.name}")
        if self.mfu is not None:
            said.append(f"at {100 * self.mfu:g}% MFU")
        if self.price is not None:
            said.append(f"at ${self.price:g} an hour")
        return ", ".join(said)


@attrs.frozen(kw_only=True)
class Costed:
    """A stage, where it runs and what it would take there."""

    name: str
    kind: str
    device: str
    devices: int
    estimate: Estimate


def of_stages(stages: Iterable[PlannedStage]) -> tuple[Costed, ...]:
    """What a plan says that its stages take."""
    return tuple(
        Costed(name=stage.name, kind=stage.kind, device=stage.device, devices=stage.devices, estimate=stage.estimate) for stage in stages
    )


def suppose(graph: Graph, supposed: WhatIf) -> tuple[Costed, ...]:
    """What the stages would take, whether or not the pipeline passes its checks.

    Raises: Usage, where a device is supposed and no stage runs on an accelerator.
    """
    places = estimates.hardware(graph)
    _, works = estimates.works(graph)
    accelerated = any(place.device.accelerator for place in places.values())
    if supposed.device is not None and not accelerated:
        raise Usage("no stage of this pipeline runs on an accelerator", help="declare one: `on=Hardware(device=H100, count=8)`")
    found: list[Costed] = []
    for stage in graph.order:
        place = places[stage]
        if place.device.accelerator or not accelerated:
            place = supposed.place(place)
        taken = estimates.estimate(works[stage], place)
        kind, device = graph.type(stage).kind, place.device.name
        found.append(Costed(name=graph.names[stage], kind=kind, device=device, devices=place.devices, estimate=taken))
    return tuple(found)


def device_called(name: str, catalogue: Iterable[Device] = DEVICES.values()) -> Device:
    """The device of the catalogue with that name, or the only one whose name begins with its words; case does not matter.

    An H20 is no H200, and an L40 no L40S.

    Raises: Usage, with the names that there are.
    """
    known = {device.name.lower(): device for device in catalogue}
    wanted = name.lower()
    near = [device for spelled, device in known.items() if spelled.startswith(wanted)]
    if wanted in known:
        return known[wanted]
    if len(near) == 1 and not near[0].name[len(wanted) : len(wanted) + 1].isalnum():
        return near[0]
    names = ", ".join(device.name for device in near or known.values())
    raise Usage(f"`{name}` is {'more than one device' if len(near) > 1 else 'no device of the catalogue'}", help=f"name one of: {names}")
