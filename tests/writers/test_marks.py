"""Workbooks and reports say which manifest they belong to, and which rows they were made of."""

import io
import zipfile
from dataclasses import replace

import openpyxl
import pikepdf
from pdf_checks import assert_well_formed, read_text, squeezed
from pdf_reports import document as report_document
from pdf_reports import names_report
from xlsx_sections import column, section
from xlsx_sections import document as workbook_document

from customer_export.writers.pdf import PdfWriter
from customer_export.writers.xlsx import WorkbookWriter
from xlsx_rules import check_workbook

DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def proof() -> dict[str, object]:
    return {"canonical": {"form": "csv", "sha256": DIGEST}}


def test_a_workbook_has_them_as_custom_properties() -> None:
    head = replace(workbook_document(), manifest=proof)
    file = b"".join(WorkbookWriter().write(head, [section("data", [column("name")], [["Ada"]])]))
    check_workbook(file)
    properties = openpyxl.load_workbook(io.BytesIO(file)).custom_doc_props
    assert {one.name: one.value for one in properties.props} == {
        "ExportId": head.export_id,
        "CanonicalSha256": DIGEST,
        "Manifest": f"/api/admin/exports/{head.export_id}/manifest",
    }


def test_a_workbook_is_asked_for_its_digest_after_its_rows() -> None:
    head = replace(workbook_document(), manifest=proof)
    file = b"".join(WorkbookWriter().write(head, [section("data", [column("name")], [["Ada"]])]))
    names = zipfile.ZipFile(io.BytesIO(file)).namelist()
    assert names.index("docProps/custom.xml") > names.index("xl/worksheets/sheet2.xml")


def test_a_report_has_them_on_its_cover_and_for_programs(pdf_writer: PdfWriter) -> None:
    head = replace(report_document(), manifest=proof)
    pdf = b"".join(pdf_writer.write(head, names_report()))
    assert_well_formed(pdf)
    assert DIGEST in squeezed(read_text(pdf))
    expected = (
        f"export-id={head.export_id}, canonical-sha256={DIGEST}, manifest=/api/admin/exports/{head.export_id}/manifest"
    )
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert str(file.docinfo["/Keywords"]) == expected
        with file.open_metadata() as metadata:
            assert metadata["pdf:Keywords"] == expected
            assert metadata["pdfaid:part"] == "2"
