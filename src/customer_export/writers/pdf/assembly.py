"""The last step: the cover that typst made, the outline and the catalogue join the pages that are written already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pikepdf

from customer_export.writers.pdf.adopt import Adoption
from customer_export.writers.pdf.cover import CONTENTS_LINK
from customer_export.writers.pdf.flow import Bookmark
from customer_export.writers.pdf.objects import ObjectFile, number, text_string
from customer_export.writers.pdf.pages import Page, PageBook, form_entries
from customer_export.writers.pdf.structure import MarkedPage, Structure

_OURS = ("/Pages", "/StructTreeRoot", "/Outlines", "/PageLabels", "/Dests", "/Names", "/Type")
"""Entries of the catalogue that the whole document has its own of; language, metadata and the rest are the cover's."""

_REPLACED = ("/Parent", "/Contents", "/Resources", "/StructParents", "/Annots")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is known when all pages are drawn.

    `draw_footer` draws the footer of a page that counts from 0. `draw_number` writes into a line of the contents,
    given by its rectangle (left, lower, right, upper), on which page that section begins, and `bookmarks` begin with
    the sections in the contents' order.
    """

    title: str
    bookmarks: Sequence[Bookmark]
    draw_footer: Callable[[Page, int], None]
    draw_number: Callable[[Page, int, tuple[float, float, float, float]], None]


@dataclass(frozen=True, slots=True)
class Roots:
    """The numbers of the catalogue, and of the document information if there is one."""

    catalogue: int
    information: int | None


def assemble(
    *, objects: ObjectFile, book: PageBook, structure: Structure | None, cover: pikepdf.Pdf, ending: Ending
) -> Roots:
    """Write everything that is still promised but the fonts: the cover's pages first in the page tree."""
    merge = _Cover(objects=objects, book=book, structure=structure, source=cover, ending=ending)
    pages = [merge.write_page(page, index) for index, page in enumerate(cover.pages)]
    tags = merge.write_structure()
    outline = _write_outline(objects, ending, first_page=pages[0])
    book.write_tree(pages)
    entries = merge.adoption.entries(cover.Root, *_OURS)
    catalogue = objects.add(
        f"<</Type/Catalog/Pages {book.tree} 0 R/Outlines {outline} 0 R/PageMode/UseOutlines{tags}{entries}>>"
    )
    information = merge.adoption.number(cover.trailer.Info) if "/Info" in cover.trailer else None
    return Roots(catalogue, information)


class _Cover:
    """The cover's PDF while it is taken over."""

    def __init__(
        self,
        *,
        objects: ObjectFile,
        book: PageBook,
        structure: Structure | None,
        source: pikepdf.Pdf,
        ending: Ending,
    ) -> None:
        self._objects, self._book, self._structure = objects, book, structure
        self._source, self._ending = source, ending
        known = {source.Root.Pages.objgen[0]: book.tree}
        self._numbers = [objects.reserve() for _ in source.pages]
        known |= {page.obj.objgen[0]: taken for page, taken in zip(source.pages, self._numbers, strict=True)}
        links = [link for page in source.pages for link in list(page.obj.get("/Annots", []))]
        self._numbers_of_links = {link.objgen[0]: objects.reserve() for link in links}
        known |= self._numbers_of_links
        if structure is not None:
            tree = source.Root.StructTreeRoot
            numbers = list(tree.ParentTree.Nums)
            self._parents = dict(zip(map(int, numbers[::2]), numbers[1::2], strict=True))
            known[tree.objgen[0]] = structure.root
            known[_document_element(tree).objgen[0]] = structure.document.number
        self.adoption = Adoption(source, objects, known=known)

    def write_page(self, page: pikepdf.Page, index: int) -> int:
        """Write a page of the cover with its footer and the contents' page numbers drawn over it; give its number."""
        width, height = float(page.mediabox[2]), float(page.mediabox[3])
        footer = Page(self._numbers[index], width, height, MarkedPage(self._numbers[index]), tagged=False)
        self._ending.draw_footer(footer, index)
        links = [self._write_link(link, footer) for link in list(page.obj.get("/Annots", []))]
        # typst turns the page upside down and leaves it so: what it draws goes between q and Q.
        before = self._objects.add_stream("", b"q")
        after = self._objects.add_stream("", b"Q " + "".join(footer.content).encode("cp1252"))
        contents = page.obj.Contents
        drawn = self.adoption.text(contents).removeprefix("[").removesuffix("]")
        self._objects.put(
            self._numbers[index],
            f"<<{self.adoption.entries(page.obj, *_REPLACED)}/Parent {self._book.tree} 0 R"
            f"/Contents[{before} 0 R {drawn} {after} 0 R]/Resources<<{self._resources(page, footer)}>>"
            f"/Annots[{' '.join(links)}]{self._write_parents(page.obj)}>>",
        )
        return self._numbers[index]

    def write_structure(self) -> str:
        """Write the document element and the root of the tree, and give the catalogue's entry."""
        structure = self._structure
        if structure is None:
            return ""
        tree = self._source.Root.StructTreeRoot
        element = _document_element(tree)
        kids = [self.adoption.text(element.K).removeprefix("[").removesuffix("]")]
        kids += [f"{kid} 0 R" for kid in structure.document.kids]
        self._objects.put(
            structure.document.number,
            f"<<{self.adoption.entries(element, '/K', '/P')}/P {structure.root} 0 R/K[{' '.join(kids)}]>>",
        )
        structure.write_tree(self.adoption.entries(tree, "/Type", "/K", "/ParentTree", "/ParentTreeNextKey"))
        return f"/StructTreeRoot {structure.root} 0 R"

    def _write_link(self, link: pikepdf.Object, page: Page) -> str:
        """Write a link of the contents so that it leads to its section, and the number of that page beside it."""
        section = int(str(link.A.URI).removeprefix(CONTENTS_LINK))
        mark = self._ending.bookmarks[section]
        left, lower, right, upper = (float(side) for side in list(link.Rect))
        self._ending.draw_number(page, section, (left, lower, right, upper))
        number = self._numbers_of_links[link.objgen[0]]
        parent = ""
        if self._structure is not None:
            element = self._parent_of(int(link.StructParent))
            parent = f"/StructParent {self._structure.add_parents(self.adoption.text(element))}"
        self._objects.put(
            number,
            f"<<{self.adoption.entries(link, '/A', '/StructParent')}"
            f"/Dest[{mark.page} 0 R/XYZ null {mark.top:.2f} null]{parent}>>",
        )
        return f"{number} 0 R"

    def _parent_of(self, key: int) -> pikepdf.Object:
        """Find what the cover's parent tree has under a key."""
        return self._parents[key]

    def _write_parents(self, page: pikepdf.Object) -> str:
        """Move the elements of a page's marked contents to a free index of the parent tree."""
        structure = self._structure
        if structure is None or "/StructParents" not in page:
            return ""
        index = structure.add_parents(self.adoption.text(self._parent_of(int(page.StructParents))))
        return f"/StructParents {index}"

    def _resources(self, page: pikepdf.Page, footer: Page) -> str:
        resources = page.obj.Resources
        fonts = self.adoption.entries(resources.Font) if "/Font" in resources else ""
        objects = self.adoption.entries(resources.XObject) if "/XObject" in resources else ""
        drawn, ours = form_entries(footer.forms), self._book.font_entries(footer.fonts)
        others = self.adoption.entries(resources, "/Font", "/XObject")
        return f"{others}/Font<<{fonts}{ours}>>/XObject<<{objects}{drawn}>>"


def _document_element(tree: pikepdf.Object) -> pikepdf.Object:
    """Find the element that holds all others: typst writes one /Document."""
    kids = tree.K
    return kids[0] if isinstance(kids, pikepdf.Array) else kids


def _write_outline(objects: ObjectFile, ending: Ending, *, first_page: int) -> int:
    """Write the outline: the cover, then every section (12.3.3)."""
    root = objects.reserve()
    entries = [(ending.title, first_page, None), *((mark.title, mark.page, mark.top) for mark in ending.bookmarks)]
    numbers = [objects.reserve() for _ in entries]
    for index, (title, page, top) in enumerate(entries):
        before = f"/Prev {numbers[index - 1]} 0 R" if index else ""
        after = f"/Next {numbers[index + 1]} 0 R" if index + 1 < len(numbers) else ""
        place = "null" if top is None else number(top)
        objects.put(
            numbers[index],
            f"<</Title{text_string(title)}/Parent {root} 0 R{before}{after}/Dest[{page} 0 R/XYZ null {place} null]>>",
        )
    objects.put(
        root,
        f"<</Type/Outlines/First {numbers[0]} 0 R/Last {numbers[-1]} 0 R/Count {len(numbers)}>>",
    )
    return root
