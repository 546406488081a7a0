"""Verifying the chain of the audit: all of it, in its order, in flat memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, unique

from customer_export.store.chain import GENESIS, Link, link_hash

MOST_TOLD = 100  # problems that are told one by one; the others are counted
MOST_SUSPECTS = 60  # records that are tried in each other's places: all pairs of them cost a quarter of a second


@unique
class ChainProblem(StrEnum):
    """What can be wrong with a chain."""

    ALTERED = "altered"
    MISSING = "missing"
    MOVED = "moved"
    BEHIND_HEAD = "behind_head"
    TRUNCATED = "truncated"
    HEAD = "head"
    ANCHOR = "anchor"
    ROLL = "roll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem, the record it is about, and what it says to people."""

    problem: ChainProblem
    sequence: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found. `head` is the last record as it was read; `open_exports` have a start and no end (yet).

    `findings` are the first of `problems`. Records that came while the chain was read are not looked at.
    """

    records: int
    head: Link
    open_exports: int
    findings: tuple[Finding, ...]
    problems: int

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.problems == 0

    def and_also(self, findings: Iterable[Finding]) -> "Verification":
        """Give it with more findings."""
        more = tuple(findings)
        told = sorted((*self.findings, *more), key=lambda finding: finding.sequence)[:MOST_TOLD]
        return replace(self, findings=tuple(told), problems=self.problems + len(more))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLink:
    """A record as it is stored: its place, its hash, and its canonical JSON."""

    sequence: int
    hash: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where the chain says that it ends, and where it does: `last` is the largest number there is, 0 for none.

    `head` is None if there is not exactly one.
    """

    head: Link | None
    last: int
    open_exports: int


def verify_links(links: Iterable[StoredLink], ends: Ends, anchor: Link | None) -> Verification:
    """Hold the records, by ascending number and none above `ends.last`, against their hashes, head and anchor."""
    reading = _Reading(of_interest={each.sequence for each in (ends.head, anchor) if each is not None})
    for link in links:
        reading.take(link)
    found = [
        *reading.gaps,
        *_unfit(reading.suspects),
        *_about_head(ends, reading.seen),
        *_about_anchor(anchor, reading.seen, ends.last),
    ]
    return Verification(
        records=reading.records,
        head=Link(sequence=reading.last, hash=reading.previous),
        open_exports=ends.open_exports,
        findings=tuple(sorted(found, key=lambda finding: finding.sequence)[:MOST_TOLD]),
        problems=len(found) + reading.unfit - len(reading.suspects) + reading.untold_gaps,
    )


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A record that does not fit the hash `previous` of the one before."""

    link: StoredLink
    previous: str


class _Reading:
    """One pass over the records. `seen` has the hashes of the numbers that are of interest."""

    def __init__(self, *, of_interest: set[int]) -> None:
        self.records = self.last = self.unfit = self.untold_gaps = 0
        self.previous = GENESIS
        self.suspects: list[_Suspect] = []
        self.gaps: list[Finding] = []
        self.seen = {0: GENESIS}
        self._of_interest = of_interest

    def take(self, link: StoredLink) -> None:
        """Look at the next record."""
        self.records += 1
        if link.sequence != self.last + 1:  # what comes behind a gap has nothing to be held against
            self._gap(link.sequence)
        elif link_hash(self.previous, link.sequence, link.body) != link.hash:
            self.unfit += 1
            if len(self.suspects) < MOST_SUSPECTS:
                self.suspects.append(_Suspect(link, self.previous))
        if link.sequence in self._of_interest:
            self.seen[link.sequence] = link.hash
        self.last, self.previous = link.sequence, link.hash

    def _gap(self, found: int) -> None:
        if len(self.gaps) == MOST_TOLD:
            self.untold_gaps += 1
            return
        first, last = self.last + 1, found - 1
        if last < first:
            message = f"record {found} has a number that no record can have"
        elif first == last:
            message = f"record {first} is missing"
        else:
            message = f"records {first} to {last} are missing"
        self.gaps.append(Finding(problem=ChainProblem.MISSING, sequence=first, message=message))


def _unfit(suspects: Sequence[_Suspect]) -> Iterator[Finding]:
    """Tell records that were altered from those that stand in another's place, and from those that follow such."""
    places = {each.link.sequence: each.previous for each in suspects}
    before = {each.link.hash for each in suspects}
    before |= {link_hash(each.previous, each.link.sequence, each.link.body) for each in suspects}
    for each in suspects:
        stands_at = each.link.sequence
        written_as = _place_of(each.link, places, before)
        if written_as is None:
            yield Finding(
                problem=ChainProblem.ALTERED,
                sequence=stands_at,
                message=f"record {stands_at} does not fit its hash: it was altered, "
                "or the one before it was, together with its hash",
            )
        elif written_as != stands_at:
            yield Finding(
                problem=ChainProblem.MOVED,
                sequence=stands_at,
                message=f"record {stands_at} was written as record {written_as}: the order was changed",
            )


def _place_of(link: StoredLink, places: Mapping[int, str], before: Iterable[str]) -> int | None:
    """Find where a record fits: a place, behind the hash that stands there or one that should."""
    return next(
        (
            place
            for place, previous in places.items()
            if any(link_hash(candidate, place, link.body) == link.hash for candidate in (previous, *before))
        ),
        None,
    )


def _about_head(ends: Ends, seen: Mapping[int, str]) -> Iterator[Finding]:
    head, last = ends.head, ends.last
    if head is None:
        yield Finding(problem=ChainProblem.HEAD, sequence=last, message="there is not exactly one head of the chain")
    elif head.sequence > last:
        yield Finding(
            problem=ChainProblem.TRUNCATED,
            sequence=last + 1,
            message=f"{head.sequence} records were written, but the last is {last}: the end was cut off",
        )
    elif head.sequence < last:
        yield Finding(
            problem=ChainProblem.BEHIND_HEAD,
            sequence=head.sequence + 1,
            message=f"records {head.sequence + 1} to {last} stand behind the head: they were put there, "
            "or the head was set back",
        )
    elif seen.get(head.sequence) != head.hash:
        yield Finding(
            problem=ChainProblem.HEAD,
            sequence=head.sequence,
            message=f"the head does not have the hash of record {head.sequence}, the last",
        )


def _about_anchor(anchor: Link | None, seen: Mapping[int, str], last: int) -> Iterator[Finding]:
    if anchor is None or seen.get(anchor.sequence) == anchor.hash:
        return
    if anchor.sequence > last:
        message = f"the anchor is of record {anchor.sequence}, but the last is {last}: the end was cut off"
    else:
        message = (
            f"record {anchor.sequence} does not have the anchor's hash: it or one before it was altered, "
            "and the hashes computed anew"
        )
    yield Finding(problem=ChainProblem.ANCHOR, sequence=anchor.sequence, message=message)
