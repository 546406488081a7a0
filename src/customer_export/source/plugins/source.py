"""Sections that plug-ins give, beside those of the database: the same snapshot to whoever exports.

A plug-in's rows are taken, checked, masked and counted before the export's first byte, so that one that fails half-way
fails the export, as a database does.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from customer_export.errors import ExportCancelledError, ExportError, PluginFailedError
from customer_export.model.bulk import KeyBound
from customer_export.model.customer_map import CustomerMap, Plugin, Section
from customer_export.model.document import SectionStream
from customer_export.model.request import Period
from customer_export.model.totals import TotalsCheck
from customer_export.source.interface import FoundCustomer, Snapshot, SnapshotInfo, Source
from customer_export.source.many.interface import CountedCustomer, CustomerChoice, CustomerSet, KeyedBatch
from customer_export.source.plugins.installed import PluginMissingError, load_plugin
from customer_export.source.plugins.interface import PluginError, SectionRequest
from customer_export.source.plugins.reading import rows_in_time
from customer_export.source.plugins.rows import RowCheck, RowError
from customer_export.source.plugins.spool import RowSpool, SpooledSection


def with_plugins(source: Source, *, now: Callable[[], datetime]) -> Source:
    """Give a source that has the sections of plug-ins, too; the same one, if its map names none."""
    named = any(isinstance(section.table, Plugin) for section in source.map.sections)
    return PluginSource(source, now=now) if named else source


class PluginSource:
    """A database and plug-ins. `now` says when a plug-in was asked."""

    def __init__(self, database: Source, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    @property
    def map(self) -> CustomerMap:
        """The map that says what to read."""
        return self._database.map

    def check(self) -> None:
        """Check the database. Plug-ins were loaded with the map, and can only be asked for somebody's rows."""
        self._database.check()

    @contextmanager
    def snapshot(self, *, time_zone: str, time_limit: timedelta) -> Iterator["PluginSnapshot"]:
        """Open a snapshot; leaving it forgets what plug-ins gave."""
        with ExitStack() as held:
            database = held.enter_context(self._database.snapshot(time_zone=time_zone, time_limit=time_limit))
            yield PluginSnapshot(database, held, now=self._now, time_zone=time_zone, time_limit=time_limit)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


class PluginSnapshot:
    """A snapshot of the database, and what plug-ins give of the customer who is found in it."""

    def __init__(
        self,
        database: Snapshot,
        held: ExitStack,
        *,
        now: Callable[[], datetime],
        time_zone: str,
        time_limit: timedelta,
    ) -> None:
        self._database = database
        self._held = held
        self._now = now
        self._time_zone = time_zone
        self._time_limit = time_limit
        self._ends_at = time.monotonic() + time_limit.total_seconds()
        self._cancelled = threading.Event()

    def find(
        self,
        customer_id: str,
        sections: Sequence[Section],
        period: Period,
        *,
        tenant: str | None = None,
        titled: bool = True,
    ) -> FoundCustomer | None:
        """Find the customer in the database, and let the plug-ins give all their rows."""
        theirs = [section for section in sections if not isinstance(section.table, Plugin)]
        found = self._database.find(customer_id, theirs, period, tenant=tenant, titled=titled)
        return None if found is None else self.with_plugins(found, sections, customer_id, period)

    def choose(
        self, choice: CustomerChoice, sections: Sequence[Section], period: Period, *, titled: bool = True
    ) -> "PluginCustomers":
        """Choose them in the database; plug-ins are asked for each of them later."""
        theirs = [section for section in sections if not isinstance(section.table, Plugin)]
        database = self._database.choose(choice, theirs, period, titled=titled)
        return PluginCustomers(database, sections, period, asking=self._asking)

    def _asking(self, held: ExitStack) -> "PluginSnapshot":
        """Give what asks plug-ins for one customer, in the time of an export of one."""
        return PluginSnapshot(
            self._database, held, now=self._now, time_zone=self._time_zone, time_limit=self._time_limit
        )

    def with_plugins(
        self, found: FoundCustomer, sections: Sequence[Section], customer_id: str, period: Period
    ) -> FoundCustomer:
        """Let the plug-ins give all their rows of a customer."""
        streams: dict[str, SectionStream] = {stream.name: stream for stream in found.sections}
        asked_at: dict[str, datetime] = {}
        for section in sections:
            if isinstance(section.table, Plugin):
                asked_at[section.name] = self._now()
                streams[section.name] = self._take(section, section.table, found, customer_id, period)
        return replace(found, sections=[streams[section.name] for section in sections], asked_at=asked_at)

    def _take(
        self, section: Section, plugin: Plugin, found: FoundCustomer, customer_id: str, period: Period
    ) -> SpooledSection:
        request = SectionRequest(
            section=section.name,
            customer_key=customer_id,
            customer_title=found.title,
            given={name: found.given[name] for name in plugin.given},
            period=Period() if section.time is None else period,
            time_zone=self._time_zone,
            columns=tuple(replace(column, mask=None) for column in section.exported_columns),
            options=plugin.options,
            ends_at=self._ends_at,
            cancelled=self._cancelled.is_set,
        )
        spool = RowSpool()
        self._held.callback(spool.close)
        check = RowCheck(section, request)
        try:
            called = load_plugin(plugin.name)
            taken = rows_in_time(lambda: called(request), ends_at=self._ends_at, cancelled=self._cancelled)
            with closing(taken):
                for number, row in enumerate(taken, start=1):
                    cells = check.cells(row, number=number)
                    if cells is not None:
                        spool.add(cells)
        except Exception as failure:
            raise self._meaning(failure, section, plugin) from failure
        return SpooledSection(section.name, section.label, section.exported_columns, spool)

    def _meaning(self, failure: Exception, section: Section, plugin: Plugin) -> ExportError:
        """Say what a failure means, in words that hold no data unless the plug-in chose them."""
        if self._cancelled.is_set():
            return ExportCancelledError()
        if time.monotonic() >= self._ends_at:
            seconds = f"{self._time_limit.total_seconds():g} seconds"
            reason = f"it was not done within {seconds}; ask for fewer sections, or raise EXPORT_TIMEOUT_MS"
        elif isinstance(failure, PluginError | PluginMissingError | RowError):
            reason = str(failure)
        else:
            reason = f"it raised {type(failure).__name__}; mend the plug-in"
        return PluginFailedError(plugin=plugin.name, section=section.name, reason=reason)

    def cancel(self) -> None:
        """End whatever is running, from another thread."""
        self._cancelled.set()
        self._database.cancel()


class PluginCustomers:
    """Chosen customers of the database, and what plug-ins give of each of them."""

    def __init__(
        self,
        database: CustomerSet,
        sections: Sequence[Section],
        period: Period,
        *,
        asking: Callable[[ExitStack], PluginSnapshot],
    ) -> None:
        self._database = database
        self._sections = sections
        self._period = period
        self._asking = asking

    @property
    def snapshot(self) -> SnapshotInfo:
        """The database's."""
        return self._database.snapshot

    def counted(self) -> Sequence[CountedCustomer]:
        """Find them in the database."""
        return self._database.counted()

    def rows(self, section: Section) -> Iterator[KeyedBatch]:
        """Read a section of the database."""
        return self._database.rows(section)

    def without_totals(self) -> Sequence[TotalsCheck]:
        """Leave it to the database."""
        return self._database.without_totals()

    def totals(self) -> Iterator[tuple[str, int, TotalsCheck]]:
        """Leave it to the database."""
        return self._database.totals()

    def split(self, *, each: int) -> Iterator[tuple[KeyBound | None, int]]:
        """Leave it to the database."""
        return self._database.split(each=each)

    def complete(self, found: FoundCustomer, customer_id: str, held: ExitStack) -> FoundCustomer:
        """Ask the plug-ins for this customer."""
        return self._asking(held).with_plugins(found, self._sections, customer_id, self._period)
