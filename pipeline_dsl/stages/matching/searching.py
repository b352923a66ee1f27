"""Parts of training data, looked through by several processes."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline_dsl.base.fault import StageFailed
from pipeline_dsl.stages.matching.shards import Found, Part, look_through

if TYPE_CHECKING:
    from pipeline_dsl.ml.wanted import Index

AHEAD = 2
"""Parts that wait for each process."""

_wanted: "list[Index]" = []
"""In a process of the pool: what it looks for."""


def looked_through(todo: Sequence[Part], index: "Index", processes: int) -> Iterator[Found]:
    """What was found in each part, in order; few of them are under way at a time.

    The processes are forked, so all of them read one index.
    Raises: StageFailed if one was killed; WrongArtifact.
    """
    from concurrent.futures import Future, ProcessPoolExecutor  # here, since they load much that a compiler does not need
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    if processes == 1 or len(todo) < 2:
        yield from (look_through(part, index) for part in todo)
        return
    waiting: deque[Future[Found]] = deque()
    pool = ProcessPoolExecutor(min(processes, len(todo)), get_context("fork"), initializer=_remember, initargs=(index,))
    try:
        with pool:
            for part in todo:
                waiting.append(pool.submit(_look, part))
                if len(waiting) > AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        help = "it may have needed more memory than there is: lower `processes`"
        raise StageFailed("a process that looked through training data was killed", help=help) from error


def _remember(index: "Index") -> None:
    _wanted.append(index)


def _look(part: Part) -> Found:
    return look_through(part, _wanted[0])
