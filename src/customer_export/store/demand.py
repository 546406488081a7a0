"""What is asked for most, by the audit of the last hours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from customer_export.model.audit import AuditEvent, CacheUse, moment_text
from customer_export.model.warming import AskedFor
from customer_export.store.database import transaction
from customer_export.store.tables import AUDIT, AUDIT_HEAD

NEWEST_RECORDS = 20_000
"""How far back it looks at most, whatever the time: reading so many takes 40 ms, and with two records for each export
they tell what is asked for most on a busy server, too."""

LEAST_TIMES = 2  # what somebody asked for once is not asked for often


class DemandStore(Protocol):
    """Knows what was asked for. Raises StoreUnavailableError if the database fails."""

    def most_asked(self, *, since: datetime, limit: int) -> Sequence[AskedFor]:
        """Give what was asked for more than once since a moment, and came, the most often first.

        Files that were made anew on demand, encrypted, or part of a job are none that a cache could give.
        """


class SqlDemand:
    """What was asked for, by the audit in one database; see `DemandStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def most_asked(self, *, since: datetime, limit: int) -> Sequence[AskedFor]:
        """Give what was asked for more than once since a moment, and came, the most often first."""
        head = sa.select(AUDIT_HEAD.c.sequence).where(AUDIT_HEAD.c.id == 1).scalar_subquery()
        times, last_at = sa.func.count().label("times"), sa.func.max(AUDIT.c.at).label("last_at")
        asked = (
            sa.select(
                AUDIT.c.customer_id,
                AUDIT.c.parameters,
                AUDIT.c.principal,
                times,
                last_at,
                sa.func.max(AUDIT.c.bytes).label("bytes"),
            )
            .where(
                AUDIT.c.sequence > head - NEWEST_RECORDS,
                AUDIT.c.at >= moment_text(since),
                AUDIT.c.event == AuditEvent.COMPLETED,
                AUDIT.c.cache.in_((CacheUse.HIT, CacheUse.MISS)),
            )
            .group_by(AUDIT.c.customer_id, AUDIT.c.parameters, AUDIT.c.principal)
            .having(times >= LEAST_TIMES)
            .order_by(times.desc(), last_at.desc())
            .limit(limit)
        )
        with transaction(self._engine) as connection:
            return [
                AskedFor(**{**row, "last_at": datetime.fromisoformat(row["last_at"])})
                for row in connection.execute(asked).mappings()
            ]
