"""Chance that falls the same way on every machine and in every Python."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws that depend on the seed alone.

    Of `random`, only `random()` promises the same sequence in every Python version; `choice`, `randrange` and
    the like do not. So every draw is made of it, by arithmetic that is exact on every machine.
    """

    def __init__(self, *seed: int) -> None:
        self.fraction = Random(":".join(map(str, seed))).random  # noqa: S311 - nothing here is secret

    def below(self, bound: int) -> int:
        """Draw an integer from 0 up to `bound` - 1."""
        return int(self.fraction() * bound)

    def chance(self, percent: int) -> bool:
        """Say yes in `percent` of a hundred cases."""
        return self.fraction() * 100 < percent

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of the choices, which must not be empty."""
        return choices[int(self.fraction() * len(choices))]

    def digits(self, count: int) -> str:
        """Draw a number of exactly `count` ≤ 20 digits, which may begin with zeros."""
        head, tail = int(self.fraction() * 10**10), int(self.fraction() * 10**10)
        return f"{head:010d}{tail:010d}"[-count:]
