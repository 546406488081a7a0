"""The outline of the document."""

from collections.abc import Sequence

from customer_export.writers.pdf.flow import Bookmark
from customer_export.writers.pdf.objects import ObjectFile, number, text_string


def write_outline(objects: ObjectFile, *, title: str, first_page: int, bookmarks: Sequence[Bookmark]) -> int:
    """Write the outline: the cover under `title`, then every section (ISO 32000-1, 12.3.3)."""
    root = objects.reserve()
    entries = [(title, first_page, None), *((mark.title, mark.page, mark.top) for mark in bookmarks)]
    numbers = [objects.reserve() for _ in entries]
    for index, (label, page, top) in enumerate(entries):
        before = f"/Prev {numbers[index - 1]} 0 R" if index else ""
        after = f"/Next {numbers[index + 1]} 0 R" if index + 1 < len(numbers) else ""
        place = "null" if top is None else number(top)
        objects.put(
            numbers[index],
            f"<</Title{text_string(label)}/Parent {root} 0 R{before}{after}/Dest[{page} 0 R/XYZ null {place} null]>>",
        )
    objects.put(
        root,
        f"<</Type/Outlines/First {numbers[0]} 0 R/Last {numbers[-1]} 0 R/Count {len(numbers)}>>",
    )
    return root
