"""The rules of a workbook that matter, as checks: what Excel repairs or refuses (ECMA-376 part 1, Excel's limits)."""

import io
import posixpath
import re
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"

# 18.3.1.99, CT_Worksheet: a sequence.
WORKSHEET_ORDER = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection",
    "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells",
    "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup",
    "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags",
    "drawing", "legacyDrawing", "legacyDrawingHF", "picture", "oleObjects", "controls", "webPublishItems",
    "tableParts", "extLst",
)  # fmt: skip
SHEET_NAME = re.compile(r"(?!')[^\[\]:*?/\\\x00-\x1f]+(?<!')")
ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
LINK = re.compile(r"(?:https?://|mailto:)[!#-;=?-Z_a-z~]+(?<!\\)", re.IGNORECASE)


def unescape(text: str) -> str:
    """Read ST_Xstring (22.9.2.19)."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def check_workbook(file: bytes) -> zipfile.ZipFile:
    """Assert every rule; return the archive for more questions."""
    archive = zipfile.ZipFile(io.BytesIO(file))
    assert archive.testzip() is None
    names = archive.namelist()
    assert len({name.lower() for name in names}) == len(names), "names of parts are unique without regard to case"
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    parts = {name: ElementTree.fromstring(archive.read(name)) for name in names}
    check_content_types(parts)
    relationships = {name: check_relationships(name, parts) for name in names if name.endswith(".rels")}
    formats = check_styles(parts["xl/styles.xml"])
    sheets = check_book(parts, relationships["xl/_rels/workbook.xml.rels"])
    for path in sheets.values():
        rels = relationships.get(f"xl/worksheets/_rels/{posixpath.basename(path)}.rels", {})
        check_sheet(parts[path], rels, set(sheets), formats)
    return archive


def check_content_types(parts: dict[str, ElementTree.Element]) -> None:
    types = parts["[Content_Types].xml"]
    defaults = {element.get("Extension") for element in types.iter(f"{TYPES}Default")}
    overrides = [element.get("PartName").lstrip("/") for element in types.iter(f"{TYPES}Override")]
    assert len(set(overrides)) == len(overrides)
    assert set(overrides) <= set(parts), "every declared part is there"
    for name in set(parts) - {"[Content_Types].xml"}:
        assert name in overrides or name.endswith(".rels") or name.startswith("customXml/"), (
            f"{name} has a content type of its own"
        )
        assert name.rsplit(".")[-1] in defaults


def check_relationships(path: str, parts: dict[str, ElementTree.Element]) -> dict[str, str]:
    found: dict[str, str] = {}
    folder = posixpath.dirname(posixpath.dirname(path))
    for element in parts[path].iter(f"{PACKAGE}Relationship"):
        identifier, target = element.get("Id"), element.get("Target")
        assert identifier not in found
        if element.get("TargetMode") == "External":
            assert LINK.fullmatch(target), f"{target!r} is a plain link"
            assert len(target) <= 2_079 + len("mailto:")
        else:
            target = posixpath.normpath(posixpath.join(folder, target.lstrip("/")))
            assert target in parts
        found[identifier] = target
    return found


def check_styles(styles: ElementTree.Element) -> int:
    """Return the number of cell formats."""
    formats = styles.findall(f"{MAIN}numFmts/{MAIN}numFmt")
    identifiers = [element.get("numFmtId") for element in formats]
    assert len(set(identifiers)) == len(identifiers) <= 200
    assert all(len(element.get("formatCode")) <= 255 for element in formats)
    for group in ("numFmts", "fonts", "fills", "borders", "cellXfs"):
        for element in styles.findall(f"{MAIN}{group}"):
            assert int(element.get("count")) == len(element)
    cell_formats = styles.find(f"{MAIN}cellXfs")
    fonts, fills = len(styles.find(f"{MAIN}fonts")), len(styles.find(f"{MAIN}fills"))
    for element in cell_formats:
        assert int(element.get("fontId")) < fonts
        assert int(element.get("fillId")) < fills
        assert int(element.get("numFmtId")) < 164 or element.get("numFmtId") in identifiers
    return len(cell_formats)


def check_book(parts: dict[str, ElementTree.Element], relationships: dict[str, str]) -> dict[str, str]:
    """Return the sheets' paths by name, in order."""
    book = parts["xl/workbook.xml"]
    sheets = list(book.iter(f"{MAIN}sheet"))
    names = [element.get("name") for element in sheets]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert SHEET_NAME.fullmatch(name), name
        assert utf16_units(name) <= 31
        assert name.casefold() != "history"
    paths = [relationships[element.get(f"{OFFICE}id")] for element in sheets]
    assert set(paths) == {path for path in parts if path.startswith("xl/worksheets/sheet")}
    defined = list(book.iter(f"{MAIN}definedName"))
    keys = [(element.get("name").casefold(), element.get("localSheetId")) for element in defined]
    assert len(set(keys)) == len(keys)
    for element in defined:
        reference = re.fullmatch(r"('(?:[^']|'')+'|\w+)!\$?[A-Z]*\$?([0-9]+):\$?[A-Z]*\$?([0-9]+)", element.text)
        assert reference, element.text
        assert reference[1].strip("'").replace("''", "'") in names
        assert 1 <= int(reference[2]) <= int(reference[3]) < 1_000_000 or int(reference[3]) <= 1_048_576
    return dict(zip(names, paths, strict=True))


def check_sheet(sheet: ElementTree.Element, links: dict[str, str], names: set[str], formats: int) -> None:
    children = [element.tag.removeprefix(MAIN) for element in sheet]
    places = [WORKSHEET_ORDER.index(name) for name in children]
    assert places == sorted(set(places)), "elements stand once and in the order of the schema"
    assert not list(sheet.iter(f"{MAIN}f")), "there is never a formula"
    check_rows(sheet, formats)
    last = 0
    for element in sheet.iter(f"{MAIN}col"):
        assert last < int(element.get("min")) <= int(element.get("max")) <= 16_384
        assert 0 < float(element.get("width")) <= 255
        last = int(element.get("max"))
    hyperlinks = list(sheet.iter(f"{MAIN}hyperlink"))
    assert len(hyperlinks) <= 65_530
    assert len({element.get("ref") for element in hyperlinks}) == len(hyperlinks)
    used = {element.get(f"{OFFICE}id") for element in hyperlinks} | {
        element.get(f"{OFFICE}id") for element in sheet.iter(f"{MAIN}drawing")
    }
    assert used - {None} == set(links), "every relationship is used, and every use is one"
    for element in hyperlinks:
        location = element.get("location")
        assert location is None or location.rpartition("!")[0].strip("'").replace("''", "'") in names
    for element in sheet.iter(f"{MAIN}oddFooter"):
        assert len(element.text) <= 255


def check_rows(sheet: ElementTree.Element, formats: int) -> None:
    last_row = 0
    for row in sheet.iter(f"{MAIN}row"):
        number = int(row.get("r"))
        assert last_row < number <= 1_048_576
        last_row = number
        last_column = 0
        for cell in row:
            letters, digits = re.fullmatch("([A-Z]+)([0-9]+)", cell.get("r")).groups()
            assert int(digits) == number
            assert last_column < column_number(letters) <= 16_384
            last_column = column_number(letters)
            assert int(cell.get("s", "0")) < formats
            check_cell(cell)


def check_cell(cell: ElementTree.Element) -> None:
    kind, children = cell.get("t", "n"), [element.tag.removeprefix(MAIN) for element in cell]
    value = cell.findtext(f"{MAIN}v")
    match kind:
        case "inlineStr":
            assert children == ["is"]
            text = cell.find(f"{MAIN}is/{MAIN}t")
            content = text.text or ""
            assert utf16_units(unescape(content)) <= 32_767
            preserved = text.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
            assert preserved or content == content.strip(" \t\n\r")
        case "b":
            assert value in {"0", "1"}
        case "n":
            assert children in ([], ["v"])
            assert value is None or re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", value)
        case _:
            raise AssertionError(f"a cell of type {kind}")
