"""The manifest within the workbook: custom XML (ECMA-376, part 1, 15.2.5), which Excel keeps and shows nobody.

It is the last part of the zip, so that it can be of all that stands before it.
"""

from collections.abc import Mapping

from customer_export.writers.embedded import ascii_json
from customer_export.writers.xlsx.package import PackedPart, pack
from customer_export.writers.xlsx.text import escape_xml

MANIFEST_PATH = "customXml/item1.xml"
RELATIONSHIPS_PATH = "xl/_rels/workbook.xml.rels"
_NAMESPACE = "urn:customer-export:manifest"
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/customXml"
_END = b"</Relationships>"


def manifest_part(members: Mapping[str, object]) -> PackedPart:
    """Make the part."""
    text = f'<manifest xmlns="{_NAMESPACE}">{escape_xml(ascii_json(members))}</manifest>'
    return pack(MANIFEST_PATH, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}'.encode("ascii"))


def with_manifest(relationships: bytes) -> bytes:
    """Let the workbook name the part, by which programs find it."""
    one = f'<Relationship Id="rIdManifest" Type="{_TYPE}" Target="../{MANIFEST_PATH}"/>'
    return relationships.replace(_END, one.encode() + _END)
