"""What the reading of a section has in common on every database."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from customer_export.errors import SourceFailedError
from customer_export.model.columns import Batch, Cell, StoredAs
from customer_export.model.customer_map import CustomerMap, Section
from customer_export.model.request import Period
from customer_export.source.select import Bounds
from customer_export.source.stored_moments import first_number, iso_text

FIRST_ROWS = 64  # of a section, read to see how wide its rows are
MOST_ROWS = 1024  # larger batches gain nothing: what is done once a batch is already small beside its rows
BATCH_BYTES = 1 << 20
SAMPLED_ROWS = 8


def batch_rows(rows: Sequence[Sequence[object]]) -> int:
    """Say how many rows the next batch should have to stay near BATCH_BYTES, judging by some of these rows."""
    sample = rows[:: max(1, len(rows) // SAMPLED_ROWS)]
    width = sum(len(cell) for row in sample for cell in row if isinstance(cell, str | bytes)) // len(sample)
    return max(1, min(MOST_ROWS, BATCH_BYTES // (width + 1)))


def bounds_of(period: Period) -> Bounds:
    """Say which ends of the period a statement has to filter by."""
    return Bounds(start=period.start is not None, end=period.end is not None)


def period_parameters(period: Period, *, time_zone: str) -> Mapping[str, str]:
    """Give the period's ends as UTC instants, and as the dates in `time_zone` that date columns are compared with.

    The instants are canonical, so that they sort as texts. The dates, too, are half-open: a day that the period's end
    falls into still belongs to it. Both are given as the numbers, too, that columns with a `stored_as` are compared
    with (source/stored_moments.py).
    """
    parameters: dict[str, str] = {}
    zone = ZoneInfo(time_zone)
    if period.start is not None:
        parameters |= _dated("start", period.start, period.start.astimezone(zone).date())
    if period.end is not None:
        local = period.end.astimezone(zone)
        day = local.date() if local.time() == time.min else local.date() + timedelta(days=1)
        parameters |= _dated("end", period.end, day)
    return parameters


def _dated(name: str, instant: datetime, day: date) -> dict[str, str]:
    midnight = datetime.combine(day, time.min, UTC)
    numbers = {f"{name}_{kind}": first_number(instant, kind) for kind in StoredAs}
    days = {f"{name}_date_{kind}": first_number(midnight, kind) for kind in StoredAs}
    return {name: iso_text(instant.astimezone(UTC)), f"{name}_date": day.isoformat(), **numbers, **days}


def title_and_counts(customer_map: CustomerMap, row: Sequence[Cell | int]) -> tuple[str, list[int]]:
    """Read what `Statements.opening` selects after its `info`. A customer without a name is called by their key."""
    key, *cells = row
    titles, given = len(customer_map.customer.title), len(customer_map.customer.given)
    named = [str(part).strip() for part in cells[:titles] if part is not None]
    return " ".join(filter(None, named)) or str(key), [int(str(count)) for count in cells[titles + given :]]


def given_values(customer_map: CustomerMap, row: Sequence[Cell | int]) -> Mapping[str, Cell]:
    """Read from the same row what plug-ins are given."""
    names = customer_map.customer.given
    cells = row[1 + len(customer_map.customer.title) :][: len(names)]
    return {name: None if cell is None else str(cell) for name, cell in zip(names, cells, strict=True)}


def counted(section: Section, batches: Iterator[Batch], *, expected_rows: int) -> Iterator[Batch]:
    """Pass batches through and raise SourceFailedError unless they hold the rows that were counted."""
    read_rows = 0
    for batch in batches:
        read_rows += len(batch[0])
        yield batch
    check_rows(section, read_rows=read_rows, expected_rows=expected_rows)


def check_rows(section: Section, *, read_rows: int, expected_rows: int) -> None:
    """Raise SourceFailedError unless the section gave as many rows as the snapshot counted."""
    if read_rows != expected_rows:
        raise SourceFailedError(
            f"The section {section.name!r} gave {read_rows} rows although {expected_rows} were counted in the same "
            "snapshot; check its lookups for keys that are not unique"
        )


def asks_to_write(reason: str) -> SourceFailedError:
    """Say that what is read by would write."""
    return SourceFailedError(
        f"A section's sql or view asks the database to write ({reason}), and an export only reads; "
        "take what writes out of the query, or out of the function that it calls"
    )
