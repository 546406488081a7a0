"""Holds each row of a plug-in to the map: columns, types, period; and masks what the caller may not see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from customer_export.model.columns import Cell, ColumnType
from customer_export.model.customer_map import Section
from customer_export.source.plugins.cells import CellError, canonical, masked
from customer_export.source.plugins.interface import PluginRow, PluginValue, SectionRequest
from customer_export.source.reading import period_parameters


class RowError(Exception):
    """What is wrong with a row; the message quotes no value."""


class RowCheck:
    """Turns the rows of one section into cells, in the order of its exported columns."""

    def __init__(self, section: Section, request: SectionRequest) -> None:
        self._columns = section.exported_columns
        self._names = [column.source.name for column in self._columns]
        self._known = {column.source.name for column in section.columns}
        self._zone = ZoneInfo(request.time_zone)
        self._period = request.period
        self._dates = period_parameters(request.period, time_zone=request.time_zone)
        times = [place for place, column in enumerate(self._columns) if column.source == section.time]
        self._time = times[0] if times and not request.period.unbounded else None

    def cells(self, row: PluginRow, *, number: int) -> list[Cell] | None:
        """Give the cells of a row, None if it is outside the period. Raises RowError; `number` counts from 1."""
        cells: list[Cell] = []
        for column, value in zip(self._columns, self._values(row, number), strict=True):
            try:
                cells.append(canonical(value, column.type, self._zone))
            except CellError as failure:
                place = f"the column {column.source.name!r} of its row {number}"
                raise RowError(f"{place} {failure}; mend the plug-in or the map") from failure
        if self._time is not None and not self._is_within(cells[self._time], self._columns[self._time].type):
            return None
        return [masked(cell, column.mask, column.type) for cell, column in zip(cells, self._columns, strict=True)]

    def _values(self, row: PluginRow, number: int) -> Sequence[PluginValue]:
        if isinstance(row, Mapping):
            missing = [name for name in self._names if name not in row]
            if missing:
                raise RowError(
                    f"its row {number} lacks the column {missing[0]!r}; give it, as None if there is no value"
                )
            unknown = [str(name) for name in row if name not in self._known]
            if unknown:
                raise RowError(
                    f"its row {number} has the column {unknown[0]!r}, which the map does not; "
                    "add it to the map, hidden = true if it is not to be exported"
                )
            return [row[name] for name in self._names]
        if not isinstance(row, Sequence) or isinstance(row, str | bytes):
            raise RowError(f"its row {number} is of type {type(row).__name__}; give mappings or tuples")
        if len(row) != len(self._names):
            raise RowError(
                f"its row {number} has {len(row)} values for {len(self._names)} columns; "
                f"give {', '.join(self._names)}, in this order"
            )
        return row

    def _is_within(self, cell: Cell, kind: ColumnType) -> bool:
        """Whether a time lies in the period, by the same rule as in SQL: NULL does not."""
        if cell is None:
            return False
        if kind is ColumnType.DATE:
            return self._dates.get("start_date", "") <= cell < self._dates.get("end_date", "~")
        moment = datetime.fromisoformat(cell)
        start, end = self._period.start, self._period.end
        return (start is None or start <= moment) and (end is None or moment < end)
