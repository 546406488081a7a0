"""Pages as they are drawn: a content stream, and the marks that tie it to the structure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from customer_export.writers.pdf.objects import ObjectFile, number, text_string
from customer_export.writers.pdf.shaped_texts import Form
from customer_export.writers.pdf.structure import Element, MarkedPage, Structure
from customer_export.writers.pdf.texts import Line

_FROM_CORNER = 0.4477
"""Where the control point of a quarter of a circle lies, from the corner that it rounds: 1 - 4/3 (√2 - 1) radii."""


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
    links: list[int] = field(default_factory=list)
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

    def fill(self, operands: str, x: float, y: float, width: float, height: float) -> None:
        """Fill a rectangle, as a part of what has been begun."""
        self.colour(operands)
        self.content.append(f"{x:.2f} {y:.2f} {width:.2f} {height:.2f} re f ")

    def fill_rounded(
        self, operands: str, x: float, y: float, width: float, height: float, *, upper: float, lower: float
    ) -> None:
        """Fill a rectangle whose upper and lower corners have a radius each."""
        self.colour(operands)
        right, top = x + width, y + height
        up, low = upper * _FROM_CORNER, lower * _FROM_CORNER
        self.content.append(
            f"{x + lower:.2f} {y:.2f} m {right - lower:.2f} {y:.2f} l "
            f"{right - low:.2f} {y:.2f} {right:.2f} {y + low:.2f} {right:.2f} {y + lower:.2f} c "
            f"{right:.2f} {top - upper:.2f} l "
            f"{right:.2f} {top - up:.2f} {right - up:.2f} {top:.2f} {right - upper:.2f} {top:.2f} c "
            f"{x + upper:.2f} {top:.2f} l {x + up:.2f} {top:.2f} {x:.2f} {top - up:.2f} {x:.2f} {top - upper:.2f} c "
            f"{x:.2f} {y + lower:.2f} l {x:.2f} {y + low:.2f} {x + low:.2f} {y:.2f} {x + lower:.2f} {y:.2f} c f "
        )

    def box(self, operands: str, x: float, y: float, width: float, height: float) -> None:
        """Fill a rectangle, as an artifact."""
        self.begin_artifact()
        self.fill(operands, x, y, width, height)
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
    """The pages of a document in their order."""

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
        if page.links:
            tags += f"/Annots[{' '.join(f'{link} 0 R' for link in page.links)}]"
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

    def move_to_front(self, count: int, *, after: int = 0) -> None:
        """Put the last pages behind the first `after`: the cover is drawn when the others are known."""
        moved = self.footers[-count:]
        del self.footers[-count:]
        self.footers[after:after] = moved

    def add_link(
        self,
        page: Page,
        element: Element | None,
        *,
        rectangle: tuple[float, float, float, float],
        label: str,
        target: tuple[int, float],
    ) -> None:
        """Make a rectangle of a page a link to a page and a height on it; `element` is the open /Link."""
        link = self._objects.reserve()
        parent = ""
        if self._structure is not None and element is not None:
            element.kids.append(self._objects.add(f"<</Type/OBJR/Obj {link} 0 R/Pg {page.number} 0 R>>"))
            parent = f"/StructParent {self._structure.add_parents(f'{element.number} 0 R')}"
        sides = " ".join(map(number, rectangle))
        self._objects.put(
            link,
            f"<</Type/Annot/Subtype/Link/F 4/Border[0 0 0]/Rect[{sides}]/Contents{text_string(label)}"
            f"/Dest[{target[0]} 0 R/XYZ null {number(target[1])} null]{parent}>>",
        )
        page.links.append(link)

    def write_tree(self) -> None:
        """Write the page tree."""
        references = " ".join(f"{footer.page} 0 R" for footer in self.footers)
        self._objects.put(self.tree, f"<</Type/Pages/Count {len(self.footers)}/Kids[{references}]>>")


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
