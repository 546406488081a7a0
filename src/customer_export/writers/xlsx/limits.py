"""What a workbook can hold: Excel's published specifications and limits, and those of the zip format."""

from dataclasses import dataclass

# Excel counts a cell's text in UTF-16 code units, as it does a sheet's name.
CELL_UNITS = 32_767
SHEET_NAME_UNITS = 31

COLUMNS = 16_384
LINKS_PER_SHEET = 65_530
LINK_CHARACTERS = 2_079

# A number is an IEEE double, of which Excel keeps and shows 15 significant decimal digits.
SIGNIFICANT_DIGITS = 15

# What a number format can show after the point.
FORMAT_DECIMALS = 30

# "Between 200 and 250, depending on the language version".
NUMBER_FORMATS = 200

# Serial day 60 is 29 February 1900, which never was; from the next day on every program counts alike.
FIRST_DAY = "1900-03-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLimits:
    """When a section goes on in a further sheet.

    `rows` counts the header, the rows and a row of totals. A part of 4 GiB or more needs the ZIP64 form of its
    header, which has to be chosen before the first row and which some readers of streamed workbooks refuse;
    `xml_bytes` stays below it by more than a block of rows takes (1,000 rows of 12 kB).
    """

    rows: int = 1_048_576
    xml_bytes: int = (4 << 30) - (512 << 20)
