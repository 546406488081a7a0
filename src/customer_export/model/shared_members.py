"""JSON members that many manifests have in common, so that they are made and put in order once."""

from collections.abc import Sequence

import orjson

from customer_export.model.columns import Column

KEPT_LISTS = 512  # of as many sections; each takes some kilobytes


class SharedMembers(list[dict[str, object]]):
    """A list that nobody changes. Whoever writes it as canonical JSON keeps that in `canonical`."""

    __slots__ = ("canonical",)

    def __init__(self, members: Sequence[dict[str, object]]) -> None:
        super().__init__(members)
        self.canonical: orjson.Fragment | None = None


_kept: dict[int, tuple[tuple[Column, ...], SharedMembers]] = {}


def column_members(columns: tuple[Column, ...]) -> SharedMembers:
    """Describe the columns of a section (docs/manifest.md); those of one tuple once."""
    kept = _kept.get(id(columns))
    if kept is not None and kept[0] is columns:  # by equality, looking them up would take as long as describing them
        return kept[1]
    members = SharedMembers([_members_of(column) for column in columns])
    if len(_kept) >= KEPT_LISTS:
        _kept.clear()
    _kept[id(columns)] = (columns, members)
    return members


def _members_of(column: Column) -> dict[str, object]:
    members: dict[str, object] = {"name": column.name, "type": column.type.value}
    if column.currency is not None:
        members["currency"] = column.currency
    if column.currency_code is not None:
        members["currencyCode"] = column.currency_code
    if column.mask is not None:
        members["masked"] = column.mask.value
    return members
