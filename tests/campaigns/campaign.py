"""What a campaign is: a test without an end, whose cases are numbered and can be run again one by one."""

import abc
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class Finding(Exception):  # noqa: N818 (the word of the reports)
    """A case in which the tested modules did what they must not. The message holds random test data only."""


class Campaign(abc.ABC):
    """One campaign.

    A case MUST depend on nothing but `seed` and `index`, so that these two numbers bring it back. Where the
    tested module takes keys or times from the kernel, the case decides about everything else.
    """

    name: str
    """As `NAME=` has it, and the name of its evidence file."""
    summary: str
    """One line: what is compared with what."""
    fault: str
    """One line: the fault that `planted` plants."""
    sources: tuple[str, ...]
    """Files, and folders of Python files, that the digest covers, from the repository's root: the tested
    modules and those that make the cases. When one changes, another thing is tested: counts begin again."""
    units: tuple[int, str] = (1, "")
    """What one case is made of, where that is counted as well: how many, and the word for them."""
    from_disk: bool = False
    """True when other processes load the modules while cases run: they must not change meanwhile."""
    planted_bound: int = 1000
    """The planted fault must be found within so many cases."""

    niceness: int = 19
    """Campaigns run beside other work, and must not be what slows it down; one that measures may be."""

    @abc.abstractmethod
    def case(self, seed: int, index: int) -> None:
        """Run one case. Raises Finding; any other exception is a finding as well: nothing may crash."""

    @abc.abstractmethod
    def planted(self) -> AbstractContextManager[None]:
        """Break the tested modules in this process, until the context ends."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold whatever all cases of a run share, for example a stack; nothing unless overridden."""
        yield

    def measured(self) -> tuple[str, ...]:
        """Return what the cases of this run have measured so far, a line each; nothing unless overridden."""
        return ()

    def random(self, seed: int, index: int) -> random.Random:
        """Return the case's own generator."""
        return random.Random(f"{self.name}/{seed}/{index}")
