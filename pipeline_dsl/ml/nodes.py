"""Several machines that run one stage: which of them this is, and where the group meets.

A scheduler starts `pdsl stage run` on each. The first leads: it runs the stage; the others lend their processes to every launch
that it makes, which they find in the stage's folder on the file system that all of them share.
"""

import os
from collections.abc import Mapping

import attrs

from pipeline_dsl.base.fault import Usage

COUNT, NUMBER, MEETING, ATTEMPT = "PDSL_NODES", "PDSL_NODE", "PDSL_RENDEZVOUS", "PDSL_ATTEMPT"


@attrs.frozen(kw_only=True)
class Nodes:
    """`count` machines, of which this is `number` (from 0); they meet at `host`:`port`.

    `attempt` is the same on all of them and another after a restart, so that nobody joins what is over.
    """

    count: int = 1
    number: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    attempt: str = ""

    @property
    def leads(self) -> bool:
        """Whether this machine runs the stage itself."""
        return self.number == 0


def nodes(environment: Mapping[str, str] = os.environ) -> Nodes:
    """What the environment says. PDSL_NODE is a number, or the name of the variable in which the scheduler puts it.

    Raises: Usage if it contradicts itself.
    """
    try:
        count, number = int(environment.get(COUNT, "1")), environment.get(NUMBER, "0")
        number = int(environment.get(number, number))
        host, _, port = environment.get(MEETING, "127.0.0.1:0").rpartition(":")
        found = Nodes(count=count, number=number, host=host, port=int(port), attempt=environment.get(ATTEMPT, ""))
    except ValueError as error:
        raise Usage(
            f"{COUNT}, {NUMBER} or {MEETING} is malformed: {error}", help=f"such as {COUNT}=2 {NUMBER}=0 {MEETING}=node1:29500"
        ) from error
    if not 0 <= found.number < found.count:
        raise Usage(f"there is no node {found.number} of {found.count}", help=f"{NUMBER} counts from 0")
    if found.count > 1 and not found.port:
        raise Usage("several nodes need a place to meet", help=f"set {MEETING}, such as node1:29500")
    return found
