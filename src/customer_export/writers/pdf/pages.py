"""Pages as they are drawn: a content stream, and the marks that tie it to the structure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from customer_export.writers.pdf.objects import ObjectFile, number
from customer_export.writers.pdf.shaped_texts import Form
from customer_export.writers.pdf.structure import Element, MarkedPage, Structure
from customer_export.writers.pdf.texts import Line


@dataclass(slots=True)
class Page:
    """A page under way. Coordinates are PDF's: points from the lower left corner."""

    number: int
    width: float
    height: float
    marked: MarkedPage
    tagged: bool
    content: list[str] = field(default_factory=list)
    forms: set[int] = field(default_factory=set)
    fonts: set[str] = field(default_factory=set)
    _font: tuple[str, float] | None = None
    _colour: str | None = None

    def begin(self, tag: str, marked_content: int) -> None:
        """Begin a marked content, e.g. `TD`, whose id `Structure.leaf` gave."""
        self.content.append(f"/{tag}<</MCID {marked_content}>>BDC ")

    def end(self) -> None:
        """End a marked content or an artifact."""
        self.content.append("EMC\n")

    def begin_artifact(self, kind: str = "") -> None:
        """Begin what is no part of the text: rules, backgrounds, repeated headers, footers (`kind` Pagination)."""
        self.content.append(f"/Artifact<</Type/{kind}>>BDC " if kind else "/Artifact BMC ")

    def colour(self, operands: str) -> None:
        """Fill with a colour from here on."""
        if operands != self._colour:
            self.content.append(f"{operands} rg ")
            self._colour = operands

    def font(self, name: str, size: float) -> None:
        """Set plain text in a font from here on."""
        if self._font != (name, size):
            self._font = (name, size)
            self.fonts.add(name)
            self.content.append(f"/{name} {number(size)} Tf ")

    def text(self, line: Line, x: float, y: float, size: float) -> None:
        """Draw a line of plain text with its base line at `y`."""
        self.font(line.font, size)
        self.content.append(f"BT {x:.2f} {y:.2f} Td{line.operand}Tj ET ")

    def form(self, form: Form, x: float, y: float) -> None:
        """Draw a shaped text with its lower left corner at a point."""
        self.forms.add(form.number)
        self.content.append(f"q 1 0 0 1 {x:.2f} {y:.2f} cm/X{form.number} Do Q\n")

    def box(self, operands: str, x: float, y: float, width: float, height: float) -> None:
        """Fill a rectangle, as an artifact."""
        self.begin_artifact()
        self.colour(operands)
        self.content.append(f"{x:.2f} {y:.2f} {width:.2f} {height:.2f} re f ")
        self.end()


@dataclass(slots=True)
class Footer:
    """A page that waits for its footer, which says how many pages there are: its content's number is promised."""

    page: int
    content: int
    resources: int
    width: float
    forms: set[int]
    fonts: set[str]


class PageBook:
    """The pages of a document in their order, after those of the cover."""

    def __init__(self, *, objects: ObjectFile, structure: Structure | None) -> None:
        """`structure` is None for a document without tags."""
        self._objects = objects
        self._structure = structure
        self.tree = objects.reserve()
        self.font_numbers: dict[str, int] = {}
        self.footers: list[Footer] = []

    def begin(self, *, width: float, height: float) -> Page:
        """Begin a page."""
        taken = self._objects.reserve()
        return Page(taken, width, height, MarkedPage(taken), tagged=self._structure is not None)

    def end(self, page: Page) -> None:
        """Write a page, all but its footer."""
        content = self._objects.add_stream("", "".join(page.content).encode("cp1252"))
        footer = Footer(
            page.number, self._objects.reserve(), self._objects.reserve(), page.width, page.forms, page.fonts
        )
        self.footers.append(footer)
        tags = ""
        if self._structure is not None:
            index = self._structure.begin_page()
            self._structure.end_page(index, " ".join(f"{element} 0 R" for element in page.marked.elements))
            tags = f"/StructParents {index}/Tabs/S"
        self._objects.put(
            page.number,
            f"<</Type/Page/Parent {self.tree} 0 R/MediaBox[0 0 {number(page.width)} {number(page.height)}]"
            f"/Contents[{content} 0 R {footer.content} 0 R]/Resources {footer.resources} 0 R{tags}>>",
        )

    def write_footer(self, footer: Footer, page: Page) -> None:
        """Write the footer of a page, drawn on a page of its own, and what both refer to."""
        self._objects.put_stream(footer.content, "", "".join(page.content).encode("cp1252"))
        fonts, forms = self.font_entries(footer.fonts | page.fonts), form_entries(footer.forms | page.forms)
        self._objects.put(footer.resources, f"<</Font<<{fonts}>>/XObject<<{forms}>>>>")

    def font_entries(self, names: Iterable[str]) -> str:
        """Write the entries of a page's fonts, and promise these."""
        for name in sorted(names):
            if name not in self.font_numbers:
                self.font_numbers[name] = self._objects.reserve()
        return "".join(f"/{name} {self.font_numbers[name]} 0 R" for name in sorted(names))

    def write_tree(self, cover: Sequence[int]) -> None:
        """Write the page tree: the cover's pages, then these."""
        kids = [*cover, *(footer.page for footer in self.footers)]
        references = " ".join(f"{kid} 0 R" for kid in kids)
        self._objects.put(self.tree, f"<</Type/Pages/Count {len(kids)}/Kids[{references}]>>")


def form_entries(forms: Iterable[int]) -> str:
    """Write the entries of a page's forms."""
    return "".join(f"/X{form} {form} 0 R" for form in sorted(forms))


@dataclass(slots=True)
class Tags:
    """Marks what is drawn as an element of the structure, or does nothing in a document without tags."""

    structure: Structure | None

    def open(self, kind: str, parent: Element | None) -> Element | None:
        """Begin an element that holds others."""
        return None if self.structure is None or parent is None else self.structure.open(kind, parent)

    def close(self, element: Element | None) -> None:
        """End it."""
        if self.structure is not None and element is not None:
            self.structure.close(element)

    def begin(self, page: Page, kind: str, parent: Element | None, attributes: str = "") -> None:
        """Begin an element that is drawn next."""
        if self.structure is not None and parent is not None:
            page.begin(kind, self.structure.leaf(kind, parent, page.marked, attributes))

    def end(self, page: Page, parent: Element | None) -> None:
        """End what is drawn."""
        if parent is not None:
            page.end()

    def cells(self, page: Page, row: Element | None, filled: Sequence[bool]) -> int | None:
        """Add the cells of a row; None without tags, or the id of the first marked content to draw."""
        if self.structure is None or row is None:
            return None
        return self.structure.cells(row, page.marked, filled)

    def blank(self, kind: str, parent: Element | None) -> None:
        """Add an element without content."""
        if self.structure is not None and parent is not None:
            self.structure.blank(kind, parent)
