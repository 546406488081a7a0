"""What the file says of itself: XMP metadata, the document information, and the colour space of its colours.

ISO 19005-2 (PDF/A-2) 6.6 and 6.2.3, which part 3 has, too: it lets any file be attached (6.8). ISO 14289-1 (PDF/UA-1)
5 and 7.1. Both places say the same.
"""

import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Literal
from xml.sax.saxutils import escape

from customer_export.writers.pdf.objects import ObjectFile, text_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a report says of itself; `identity` has 16 bytes, `keywords` tie it to its manifest."""

    title: str
    subject: str
    author: str
    keywords: str
    language: str
    direction: Literal["ltr", "rtl"]
    created_at: datetime
    identity: bytes
    tagged: bool
    part: Literal[2, 3] = 2
    """Of PDF/A: 3 if something is attached."""


def write_information(objects: ObjectFile, metadata: Metadata) -> int:
    """Write the document information, which old programs read; its number goes into the trailer."""
    moment = metadata.created_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
    return objects.add(
        f"<</Title{text_string(metadata.title)}/Subject{text_string(metadata.subject)}"
        f"/Author{text_string(metadata.author)}/Creator{text_string(metadata.author)}"
        f"/Keywords{text_string(metadata.keywords)}"
        f"/CreationDate({moment})/ModDate({moment})>>"
    )


def write_catalogue(
    objects: ObjectFile,
    metadata: Metadata,
    *,
    pages: int,
    outline: int,
    structure: int | None,
    attachment: tuple[str, int] | None = None,
) -> int:
    """Write the catalogue with what the standards want in it; the others are the numbers of its objects.

    `attachment` has the name of the attached file, and the number of its specification.
    """
    packet = objects.reserve()
    objects.put_raw_stream(packet, "/Type/Metadata/Subtype/XML", _packet(metadata).encode())
    profile = objects.reserve()
    objects.put_raw_stream(profile, "/N 3/Filter/FlateDecode", _srgb_profile())
    tags = "" if structure is None else f"/StructTreeRoot {structure} 0 R/MarkInfo<</Marked true>>"
    attached = ""
    if attachment is not None:
        name, specification = attachment
        attached = f"/AF[{specification} 0 R]/Names<</EmbeddedFiles<</Names[({name}) {specification} 0 R]>>>>"
    return objects.add(
        f"<</Type/Catalog/Pages {pages} 0 R/Outlines {outline} 0 R/PageMode/UseOutlines"
        f"/Lang{text_string(metadata.language)}/Metadata {packet} 0 R"
        f"/ViewerPreferences<</DisplayDocTitle true/Direction/{'R2L' if metadata.direction == 'rtl' else 'L2R'}>>"
        f"/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
        f"/DestOutputProfile {profile} 0 R>>]{attached}{tags}>>"
    )


def _packet(metadata: Metadata) -> str:
    """Write the XMP packet; the namespace of PDF/UA must be described, since PDF/A-2 doesn't know it."""
    moment = metadata.created_at.astimezone(UTC).isoformat(timespec="seconds")
    identity = metadata.identity.hex()
    conformance, accessible = ("A", _ACCESSIBLE) if metadata.tagged else ("U", "")
    title, subject, author = (_as_xml(text) for text in (metadata.title, metadata.subject, metadata.author))
    return (
        '<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
        ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/"'
        ' xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">'
        f"<pdfaid:part>{metadata.part}</pdfaid:part><pdfaid:conformance>{conformance}</pdfaid:conformance>"
        "<dc:format>application/pdf</dc:format>"
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>'
        f"<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>"
        f"<dc:language><rdf:Bag><rdf:li>{metadata.language}</rdf:li></rdf:Bag></dc:language>"
        f"<pdf:Keywords>{_as_xml(metadata.keywords)}</pdf:Keywords>"
        f"<xmp:CreatorTool>{author}</xmp:CreatorTool>"
        f"<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>"
        f"<xmpMM:DocumentID>{identity}</xmpMM:DocumentID><xmpMM:InstanceID>{identity}</xmpMM:InstanceID>"
        f"</rdf:Description>{accessible}</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )


_ACCESSIBLE = (
    '<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
    "<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
    '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    "<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>"
    "<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    "<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    '<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    "<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    "<pdfaProperty:category>internal</pdfaProperty:category>"
    "<pdfaProperty:description>Part of ISO 14289 that the file conforms to</pdfaProperty:description>"
    "</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)
"""PDF/UA-1 (ISO 14289-1, 5) with its extension schema (ISO 19005-2, 6.6.2.3.3)."""


def _as_xml(text: str) -> str:
    """Escape a text for XML; unpaired surrogates can't be written."""
    return escape(text).encode("utf-8", "replace").decode()


_WHITE = (0.9642, 1.0, 0.8249)
"""The white of the profile connection space, D50 (ICC.1:2010, 7.2.16)."""

_PRIMARIES = {"r": (0.43607, 0.22249, 0.01392), "g": (0.38515, 0.71687, 0.09708), "b": (0.14307, 0.06061, 0.7141)}
"""sRGB's (IEC 61966-2-1), adapted to D50 after Bradford."""

_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
"""From sRGB's white, D65, to D50 after Bradford."""

_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""sRGB's curve (IEC 61966-2-1) in the order g, a, b, c, d of a parametric curve of type 3 (ICC.1:2010, 10.16)."""


@cache
def _srgb_profile() -> bytes:
    """Make and compress an ICC profile of sRGB (ICC.1:2010, version 4.3): a matrix and a curve."""
    curve = struct.pack(">4sIHH", b"para", 0, 3, 0) + _fixed(_CURVE)
    tags = {
        b"desc": _localised("sRGB"),
        b"cprt": _localised("No copyright, use freely"),
        b"wtpt": struct.pack(">4sI", b"XYZ ", 0) + _fixed(_WHITE),
        b"chad": struct.pack(">4sI", b"sf32", 0) + _fixed(_ADAPTATION),
        **{f"{name}XYZ".encode(): struct.pack(">4sI", b"XYZ ", 0) + _fixed(xyz) for name, xyz in _PRIMARIES.items()},
        **{f"{name}TRC".encode(): curve for name in _PRIMARIES},
    }
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12s4s24xI",
        start + len(data), 0x04300000, b"mntr", b"RGB ", b"XYZ ",
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp", 0,
    ) + _fixed(_WHITE) + bytes(48)  # fmt: skip
    return zlib.compress(head + struct.pack(">I", len(tags)) + table + data, 9)


def _fixed(numbers: tuple[float, ...]) -> bytes:
    """Write numbers as s15Fixed16Number (ICC.1:2010, 4.6)."""
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _localised(text: str) -> bytes:
    """Write a text as multiLocalizedUnicodeType (ICC.1:2010, 10.13)."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">4s3I2s2s2I", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded
