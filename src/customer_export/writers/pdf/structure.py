"""The tags of a document: its logical structure, as PDF/UA-1 (ISO 14289-1) and ISO 32000-1, 14.7 want it.

Elements are written as soon as they are complete, so that only the numbers of open elements are held.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress, count

from customer_export.writers.pdf.objects import ObjectFile

COLUMN_HEAD = "/A<</O/Table/Scope/Column>>"
ROW_HEAD = "/A<</O/Table/Scope/Row>>"
"""A header cell says what it is the head of (PDF/UA-1, 7.5)."""


@dataclass(slots=True)
class Element:
    """An element that is still open: `kids` are references to elements."""

    number: int
    kind: str
    parent: int
    kids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class MarkedPage:
    """The marked contents of one page: `elements` has the element of each marked-content id."""

    number: int
    elements: list[int] = field(default_factory=list)


class Structure:
    """The structure tree: `root` and `document` are the numbers of /StructTreeRoot and its /Document."""

    def __init__(self, objects: ObjectFile) -> None:
        self._objects = objects
        self.root = objects.reserve()
        self.document = Element(objects.reserve(), "Document", self.root)
        self._parents: list[str] = []

    def open(self, kind: str, parent: Element) -> Element:
        """Begin an element that will hold others; `close` it."""
        number = self._objects.reserve()
        parent.kids.append(number)
        return Element(number, kind, parent.number)

    def close(self, element: Element) -> None:
        """Write an element that holds others."""
        kids = " 0 R ".join(map(str, element.kids)) + " 0 R" if element.kids else ""
        self._objects.put(element.number, f"<</S/{element.kind}/P {element.parent} 0 R/K[{kids}]>>")

    def leaf(self, kind: str, parent: Element, page: MarkedPage, attributes: str = "") -> int:
        """Write an element that holds one marked content of a page, and give that content's id."""
        number = self._objects.add(
            f"<</S/{kind}/P {parent.number} 0 R/Pg {page.number} 0 R/K {len(page.elements)}{attributes}>>"
        )
        parent.kids.append(number)
        page.elements.append(number)
        return len(page.elements) - 1

    def cells(self, row: Element, page: MarkedPage, filled: Sequence[bool]) -> int:
        """Write the cells of a row, each with a marked content if it is filled, and give the first content's id."""
        head, place = f"<</S/TD/P {row.number} 0 R", f"/Pg {page.number} 0 R/K "
        marked = len(page.elements)
        contents = count(marked)
        bodies = [f"{head}{place}{next(contents)}>>" if has_content else head + ">>" for has_content in filled]
        first = self._objects.add_many(bodies)
        numbers = range(first, first + len(bodies))
        row.kids += numbers
        page.elements += compress(numbers, filled)
        return marked

    def blank(self, kind: str, parent: Element, attributes: str = "") -> None:
        """Write an element that holds nothing, such as an empty cell."""
        parent.kids.append(self._objects.add(f"<</S/{kind}/P {parent.number} 0 R{attributes}>>"))

    def begin_page(self) -> int:
        """Take the index by which a page's /StructParents finds its elements."""
        self._parents.append("null")
        return len(self._parents) - 1

    def end_page(self, index: int, elements: str) -> None:
        """Write which element each marked content of a page belongs to: references in the order of their ids."""
        self._parents[index] = f"{self._objects.add(f'[{elements}]')} 0 R"

    def add_parents(self, parents: str) -> int:
        """Say which element an annotation belongs to, or which ones a page's contents do; give the index for it."""
        index = self.begin_page()
        self._parents[index] = parents
        return index

    def close_all(self) -> None:
        """Write the document and the root, when every page has ended."""
        self.close(self.document)
        numbers = "".join(f"{index} {parent} " for index, parent in enumerate(self._parents))
        parents = self._objects.add(f"<</Nums[{numbers}]>>")
        self._objects.put(
            self.root,
            f"<</Type/StructTreeRoot/K {self.document.number} 0 R/ParentTree {parents} 0 R"
            f"/ParentTreeNextKey {len(self._parents)}>>",
        )
