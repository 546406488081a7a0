"""What `customer-export diff` says, in words and as JSON members."""

from collections.abc import Iterator, Sequence

from customer_export.model.columns import Cell
from customer_export.verify.differences import Beginning, Event, Kind, Note, RowDifference, SectionBegin, SectionEnd
from customer_export.verify.opened import OpenedExport

SIGNS = {Kind.GONE: "-", Kind.ADDED: "+", Kind.CHANGED: "~"}


def event_members(event: Event) -> dict[str, object]:
    """Give an event as JSON members (docs/diff.md)."""
    match event:
        case Beginning():
            sides = {side: _side_members(export) for side, export in (("old", event.old), ("new", event.new))}
            return {"kind": "files", **sides, "notes": _note_members(event.notes)}
        case SectionBegin():
            return {
                "kind": "section",
                "section": event.name,
                "only": None if event.only is None else "old" if event.only is Kind.GONE else "new",
                "key": list(event.key),
                "columns": {
                    "gone": list(event.gone_columns),
                    "added": list(event.added_columns),
                    "retyped": list(event.retyped_columns),
                    "maskedDifferently": list(event.masked_columns),
                },
            }
        case RowDifference():
            return {
                "kind": event.kind.value,
                "section": event.section,
                "key": dict(event.key),
                "oldRow": event.old_row,
                "newRow": event.new_row,
                "cells": {name: {"old": before, "new": after} for name, (before, after) in event.cells.items()},
            }
        case SectionEnd():
            return {
                "kind": "sectionEnd",
                "section": event.name,
                **{kind.value: count for kind, count in event.counts.items()},
                "oldRows": event.old_rows,
                "newRows": event.new_rows,
                "notes": _note_members(event.notes),
            }


def _side_members(export: OpenedExport) -> dict[str, object]:
    claims = export.claims
    return {
        "file": export.name,
        "exportId": claims.export_id,
        "customerId": claims.customer_id,
        "format": claims.format,
        "takenAt": claims.taken_at,
        "mapVersion": claims.map_version,
    }


def _note_members(notes: Sequence[Note]) -> list[dict[str, str]]:
    return [{"code": note.code, "message": note.message} for note in notes]


def told_side(export: OpenedExport) -> str:
    """Name one of the two exports."""
    claims = export.claims
    taken = "" if claims.taken_at is None else f", of {claims.taken_at}"
    return f"{export.name} (export {claims.export_id} of the customer {claims.customer_id}{taken})"


def column_notes(section: SectionBegin) -> Iterator[tuple[str, Sequence[str]]]:
    """Give the columns that are not the same in both files, with what is the matter with them."""
    told = (
        ("columns gone", section.gone_columns),
        ("columns added", section.added_columns),
        ("columns of another type", section.retyped_columns),
        ("columns masked differently, not compared", section.masked_columns),
    )
    return ((words, names) for words, names in told if names)


def told_key(row: RowDifference) -> str:
    """Name a row by its key, or by its number."""
    if row.key:
        return ", ".join(f"{name} {told_cell(cell)}" for name, cell in row.key.items())
    return f"row {row.new_row or row.old_row:,}"


def told_cell(cell: Cell) -> str:
    """Show a cell so that NULL, an empty text and a text of white space are seen to be different."""
    if cell is None:
        return "NULL"
    return f'"{cell}"' if cell.strip() != cell or cell in {"", "NULL"} else cell


def told_counts(end: SectionEnd) -> str:
    """Say how much of a section differs."""
    counts = [f"{count:,} {kind.value}" for kind, count in end.counts.items() if count]
    return f"{', '.join(counts) or 'no row differs'}; {end.old_rows:,} rows before, {end.new_rows:,} after"
