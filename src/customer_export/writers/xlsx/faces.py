"""The look of a workbook: what a designer would change, in XlsxWriter's terms."""

from collections.abc import Mapping

from customer_export.writers.xlsx.styles import Face

NAVY = "#1F3A5F"
_INK = "#1A1F27"
_GREY = "#5B6573"
_RULE = "#C9D1DB"
_PALE = "#EEF2F7"
_LINK = "#1155CC"

# Told apart by the colour-blind too (Okabe and Ito's palette, the blue darkened to the house's).
SERIES_COLOURS = (
    "#2E5E94",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#8A6BBE",
    "#7F7F7F",
)

_TABLE_HEADER = {"bold": True, "font_color": NAVY, "bg_color": _PALE, "bottom": 1, "bottom_color": _RULE}
_TABLE_CELL = {"font_color": _INK, "bottom": 1, "bottom_color": _RULE}
_HEADER = {"bold": True, "font_color": "#FFFFFF", "bg_color": NAVY, "valign": "vcenter"}

# Of a text of several lines, the first is what stands in a row of usual height.
_TOP = {"valign": "top"}
_TOTAL = {"bold": True, "top": 1, "top_color": NAVY, "bg_color": _PALE}

_FACES: Mapping[Face, Mapping[str, object]] = {
    Face.BODY: _TOP,
    # The indent keeps a number off the text of the next column.
    Face.NUMBER: {**_TOP, "align": "right", "indent": 1},
    Face.BOOLEAN: {**_TOP, "align": "center"},
    Face.TIME: {**_TOP, "align": "left"},
    Face.LINK: {**_TOP, "font_color": _LINK, "underline": 1},
    Face.HEADER: _HEADER,
    Face.HEADER_OF_NUMBERS: {**_HEADER, "align": "right", "indent": 1},
    Face.TOTAL: _TOTAL,
    Face.TOTAL_NUMBER: {**_TOTAL, "align": "right", "indent": 1},
    Face.TITLE: {"bold": True, "font_size": 20, "font_color": NAVY, "valign": "vcenter"},
    Face.SUBTITLE: {"font_size": 12, "font_color": _GREY, "valign": "vcenter"},
    Face.NOTE: {"italic": True, "font_color": _GREY},
    Face.FACT: {"font_color": _GREY},
    Face.FACT_VALUE: {"font_color": _INK, "align": "left"},
    Face.HEADING: {"bold": True, "font_size": 13, "font_color": NAVY},
    Face.TABLE_HEADER: _TABLE_HEADER,
    Face.TABLE_HEADER_OF_NUMBERS: _TABLE_HEADER | {"align": "right"},
    Face.TABLE_LABEL: _TABLE_CELL | {"align": "left"},
    Face.TABLE_LINK: {"font_color": _LINK, "underline": 1, "bottom": 1, "bottom_color": _RULE},
    Face.TABLE_VALUE: _TABLE_CELL | {"align": "right"},
}

_MIRRORED = {"left": "right", "right": "left"}


def face_properties(face: Face, *, right_to_left: bool) -> dict[str, object]:
    """Return how a face looks; sides are those of a sheet that begins at the left, and are mirrored in others."""
    properties = dict(_FACES[face])
    align = properties.get("align")
    if right_to_left and isinstance(align, str):
        properties["align"] = _MIRRORED.get(align, align)
    return properties
