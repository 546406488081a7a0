"""The moments of a schedule: five fields of cron in an IANA time zone.

On the nights when clocks change, a time that does not exist is the first moment after it, and a time that comes twice
is the first of the two. Where minute or hour begin with `*`, it is what the clock shows that counts: such a time comes
as often as it is shown, so that what runs every so many minutes does so all night.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from customer_export.errors import InvalidRequestError

FIELDS = 5
LONGEST = 200  # characters: a list of all sixty minutes has 169
_EXAMPLE = "write five fields, minute, hour, day, month and weekday, such as 0 6 * * MON-FRI"


def read_cron(text: str) -> str:
    """Check the fields, and give them with one space between. Raises InvalidRequestError."""
    if len(text) > LONGEST:
        raise InvalidRequestError(f"Invalid schedule: cron: is longer than {LONGEST} characters; {_EXAMPLE}")
    fields = text.split()
    if len(fields) != FIELDS:
        raise InvalidRequestError(f"Invalid schedule: cron: has {len(fields)} fields; {_EXAMPLE}")
    cron = " ".join(fields)
    try:
        next(_moments(cron, "UTC", datetime.now(UTC)))
    except CronSimError as failure:
        raise InvalidRequestError(f"Invalid schedule: cron: {str(failure).lower()}; {_EXAMPLE}") from None
    except StopIteration:
        raise InvalidRequestError("Invalid schedule: cron: names a moment that never comes; change its day") from None
    return cron


def next_moments(cron: str, time_zone: str, *, after: datetime, count: int) -> list[datetime]:
    """Give the next moments after one, in the zone's own time."""
    return list(islice(_moments(cron, time_zone, after), count))


def next_moment(cron: str, time_zone: str, *, after: datetime) -> datetime | None:
    """Give the next moment after one, None if there is none in the next fifty years."""
    return next(iter(next_moments(cron, time_zone, after=after, count=1)), None)


def moment_before(cron: str, time_zone: str, *, before: datetime) -> datetime:
    """Give the last moment before one, which is that one itself if there is none."""
    start = before.astimezone(ZoneInfo(time_zone))
    return next(CronSim(cron, start, reverse=True), start)


def _moments(cron: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """Give moments after one. In the second of two like hours CronSim begins with the first: that has passed."""
    zone, start = ZoneInfo(time_zone), after.astimezone(UTC)
    for moment in CronSim(cron, start.astimezone(zone)):
        instant = moment.astimezone(UTC)
        if instant > start:
            yield instant.astimezone(zone)
