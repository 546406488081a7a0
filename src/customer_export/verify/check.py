"""Verifies a file: its bytes, its rows and its signature against its manifest."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import IO
from zipfile import ZipFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from customer_export.signing.signature import SignatureState, check_signature
from customer_export.verify.changes import told_changes
from customer_export.verify.claims import Claims, Digest, SectionClaim, UnreadableManifestError, read_claims
from customer_export.verify.embedded import EmbeddedManifest, embedded_manifest
from customer_export.verify.findings import Report
from customer_export.verify.opening import digest_of, format_of, unpacked
from customer_export.verify.reading import can_be_read, read_rows
from customer_export.verify.receipt import receipt_of
from customer_export.verify.rows import UNREADABLE, BrokenFileError
from customer_export.verify.sealed import decrypt_first, encryption_of
from customer_export.verify.tally import Tally, export_sha256, tallies_of
from customer_export.verify.zip_rows import check_members

Keys = Mapping[str, Ed25519PublicKey]
LookUp = Callable[[str], object | None]
"""Gives the manifest of an export's id, None if it knows none."""
ReadThrough = Callable[[IO[bytes]], IO[bytes]]
"""Gives a file in whose place another one is read: one that looks at the time, for instance."""
RECEIPT = "receipt"
"""What a report calls the format of a purge's receipt."""
_ENDS_IN_MANIFEST = frozenset({"json", "ndjson"})
_HOLD_JSON = frozenset({"pdf", "zip"})
"""Who takes the document out of one of these has a file that ends in the manifest of that."""


def _nowhere(export_id: str) -> None:  # noqa: ARG001  (a LookUp)
    return None


def _plainly(file: IO[bytes]) -> IO[bytes]:
    return file


def verify_file(
    name: str,
    file: IO[bytes],
    *,
    manifest: object | None,
    keys: Keys | None,
    look_up: LookUp = _nowhere,
    read_through: ReadThrough = _plainly,
    largest_bytes: int | None = None,
) -> Report:
    """Verify a file that can be read anywhere. `manifest` is the JSON that stands beside it; `keys` are trusted.

    Without a manifest, `look_up` may know one of the export that the file says it is; else that in the file is taken.
    Without `keys` the signature is not checked. Nothing is raised for what is wrong with the file: only what
    `read_through` raises, by which the unpacked file is read.
    """
    report = Report(file=name)
    report.encrypted = encryption_of(file)
    if report.encrypted is not None:
        _verify_sealed(report, read_through(file), manifest, keys, decrypt_first(report.encrypted))
        return report
    with ExitStack() as stack:
        try:
            plain = read_through(unpacked(file, stack, largest_bytes=largest_bytes))
        except BrokenFileError as failure:
            report.wrong("broken", str(failure))
            return report
        receipt = receipt_of(plain)
        if receipt is None:
            _verify_plain(report, plain, manifest, keys, look_up)
        else:
            _verify_receipt(report, plain, receipt, keys)
    return report


def _verify_sealed(report: Report, file: IO[bytes], manifest: object | None, keys: Keys | None, remedy: str) -> None:
    """Compare the bytes of an encrypted file, if there is a manifest; what is in it nobody knows without the key."""
    whole = digest_of(file)
    report.size_bytes, report.sha256, report.unknown = whole.size_bytes, whole.sha256, remedy
    if manifest is None:
        return
    try:
        claims = read_claims(manifest)
    except UnreadableManifestError as failure:
        report.unknown = f"{remedy}; the manifest can't be read: {failure}"
        return
    report.manifest_from = "given"
    report.export_id, report.customer_id, report.format = claims.export_id, claims.customer_id, claims.format
    _check_signature(report, claims.members, keys)
    if claims.sealed is None:
        report.wrong("wrong_manifest", f"the manifest is of the export {claims.export_id}, which was not encrypted")
    else:
        report.checked.append("the size and SHA-256 of the encrypted file")
        _compare(report, file, claims.sealed)


def _verify_plain(report: Report, file: IO[bytes], manifest: object | None, keys: Keys | None, look_up: LookUp) -> None:
    whole, form = digest_of(file), format_of(file)
    report.size_bytes, report.sha256 = whole.size_bytes, whole.sha256
    embedded = embedded_manifest(file, form)
    given = _chosen(report, manifest, None if embedded is None else embedded.members, look_up)
    if _has_no_end(form, embedded):
        report.wrong("no_end", "the file does not end as we write it: it is cut, or something was appended or changed")
    if given is None:
        report.unknown = "there is no manifest beside it, and none in it that can be read: give one with --manifest"
        return
    try:
        inner = None if embedded is None else read_claims(embedded.members)
    except UnreadableManifestError as failure:
        report.wrong("embedded_manifest_changed", f"the manifest in the file can't be read: {failure}")
        return
    try:
        claims = read_claims(given)
    except UnreadableManifestError as failure:
        report.unknown = f"the manifest can't be read: {failure}"
        return
    if form == "json" and claims.format in _HOLD_JSON and report.manifest_from == "file":
        claims = replace(claims, format="json")
    report.export_id, report.customer_id, report.format = claims.export_id, claims.customer_id, claims.format
    report.changes = told_changes(claims.members)
    if claims.format != form.removeprefix("cut "):
        report.wrong("wrong_format", f"the file is no {claims.format}, or its beginning is damaged")
    if inner is not None and inner.export_id != claims.export_id:
        report.wrong(
            "wrong_manifest", f"the manifest is of the export {claims.export_id}, the file of {inner.export_id}"
        )
        return
    _check_signature(report, claims.members, keys)
    _check_bytes(report, file, claims, 0 if embedded is None else embedded.content_bytes)
    if claims.format == form:
        _check_rows(report, file, claims)
    if not report.checked:
        report.unknown = "the manifest has neither the digest of the file nor those of its rows"


def _verify_receipt(report: Report, file: IO[bytes], receipt: Mapping[str, object], keys: Keys | None) -> None:
    """Check the signature of a purge's receipt, which is all that there is to it."""
    whole = digest_of(file)
    report.size_bytes, report.sha256 = whole.size_bytes, whole.sha256
    customer = receipt.get("customer")
    report.format, report.export_id = RECEIPT, str(receipt.get("purgeId"))
    report.customer_id = str(customer.get("id")) if isinstance(customer, Mapping) else None
    _check_signature(report, receipt, keys, what="receipt")
    if report.signature == "none" and not report.findings:
        report.wrong("not_signed", "the receipt has no signature")


def _has_no_end(form: str, embedded: EmbeddedManifest | None) -> bool:
    if form in {"broken zip", "cut pdf"}:
        return True
    return form in _ENDS_IN_MANIFEST if embedded is None else not embedded.ends_the_file


def _chosen(report: Report, given: object | None, embedded: object | None, look_up: LookUp) -> object | None:
    """Choose the manifest to go by, and say where it is from."""
    recorded = None
    if given is None and isinstance(embedded, Mapping):
        recorded = look_up(str(embedded.get("exportId")))
    for source, manifest in (("given", given), ("record", recorded), ("file", embedded)):
        if manifest is not None:
            report.manifest_from = source
            return manifest
    return None


def _check_signature(
    report: Report, members: Mapping[str, object], keys: Keys | None, *, what: str = "manifest"
) -> None:
    signature = members.get("signature")
    if isinstance(signature, Mapping):
        report.key_id, report.signature = str(signature.get("keyId")), "not checked"
    if keys is None:
        return
    match check_signature(members, keys):
        case SignatureState.VALID:
            report.signature = "valid"
            report.checked.append(f"the {what}'s signature, by the key {report.key_id}")
        case SignatureState.MISSING:
            report.wrong("not_signed", f"the {what} has no signature")
        case SignatureState.UNKNOWN_KEY:
            report.signature = "unknown key"
            report.wrong("unknown_key", f"the {what} is signed by {report.key_id}, which is none of the given keys")
        case SignatureState.WRONG:
            report.signature = "wrong"
            report.wrong("signature_wrong", f"the signature is not of this {what}: the {what} was changed")


def _check_bytes(report: Report, file: IO[bytes], claims: Claims, content_bytes: int) -> None:
    if claims.file is not None:
        report.checked.append("the file's size and SHA-256")
        _compare(report, file, claims.file)
    content = claims.content
    if content is not None:
        report.checked.append("the size and SHA-256 of what stands before the manifest in the file")
        if content_bytes != content.size_bytes or digest_of(file, content_bytes).sha256 != content.sha256:
            report.wrong("content_changed", "what stands before the manifest in the file was changed")


def _compare(report: Report, file: IO[bytes], claim: Digest) -> None:
    size, claimed = report.size_bytes, claim.size_bytes
    if size < claimed:
        report.wrong("file_short", f"{claimed - size:,} bytes of {claimed:,} are missing")
    elif size > claimed:
        fits = digest_of(file, claimed).sha256 == claim.sha256
        more = "were appended to the file, which is whole otherwise" if fits else "more than the file had"
        report.wrong("file_long", f"{size - claimed:,} bytes {more}")
    elif report.sha256 != claim.sha256:
        report.wrong("file_changed", "bytes of the file were changed: its SHA-256 is another one")


def _check_rows(report: Report, file: IO[bytes], claims: Claims) -> None:
    if not can_be_read(claims) or not claims.has_rows:
        return
    where = " in the attached JSON" if claims.format == "pdf" else ""
    report.checked.append(f"rows, keys and cells of each section{where}")
    tallies = tallies_of(claims.sections)
    file.seek(0)
    try:
        if claims.format == "zip":
            with ZipFile(file) as archive:
                check_members(report, archive, claims)
        for piece in read_rows(file, claims):
            tallies[piece.section].add(piece)
    except BrokenFileError as failure:
        report.wrong("broken", str(failure), section=failure.section, after_row=failure.after_row)
        if failure.after_row is None:
            _tell_how_far(report, tallies)
        return
    except UNREADABLE as failure:
        report.wrong("broken", f"the file can't be read to its end ({failure})")
        _tell_how_far(report, tallies)
        return
    for tally in tallies.values():
        report.rows[tally.claim.name] = tally.rows
        _judge(report, tally)
    report.canonical_sha256 = export_sha256(tallies)
    claimed = _claimed_sha256(claims.sections)
    if claims.canonical_sha256 not in {None, claimed}:
        report.wrong("manifest_contradicts_itself", "the manifest's digest of all sections is not that of its sections")


def _tell_how_far(report: Report, tallies: Mapping[str, Tally]) -> None:
    """Say what could be read before a file broke, of the first section that is not whole."""
    for tally in tallies.values():
        report.rows[tally.claim.name] = tally.rows
    short = next((tally for tally in tallies.values() if tally.rows < tally.claim.rows), None)
    if short is not None:
        name, rows = short.claim.name, short.rows
        report.wrong(
            "section_short",
            f"at least {rows:,} rows of {name} could be read, of {short.claim.rows:,}",
            section=name,
            after_row=rows,
        )


def _judge(report: Report, tally: Tally) -> None:
    """Say what is wrong with a section, as far as digests tell."""
    claim = tally.claim
    name = claim.name
    if tally.sha256 == claim.sha256 and tally.rows == claim.rows:
        return
    change = tally.first_change()
    where = "" if change is None else f"; the first change is {_told_rows(change)}"
    if tally.rows < claim.rows:
        if tally.good_rows and tally.is_beginning:
            change, where = None, f"; the first {tally.good_rows:,} are as they were"
        told = f"{name} has {tally.rows:,} rows of {claim.rows:,}: {claim.rows - tally.rows:,} missing{where}"
        code = "section_short"
    elif tally.rows > claim.rows:
        more = tally.rows - claim.rows
        told = (
            f"{name} has {tally.rows:,} rows, {more:,} more than the manifest says: rows were doubled or added{where}"
        )
        code = "section_long"
    elif claim.key_sha256 is not None and tally.key_sha256 != claim.key_sha256:
        told = f"{name} has all its {claim.rows:,} rows in number, but their keys are others or in another order{where}"
        code = "keys_changed"
    else:
        place = f"in one or more of the {claim.rows:,} rows" if change is None else _told_rows(change)
        later = "" if change is None or change[1] >= tally.rows else ", and perhaps in later ones"
        told = f"a cell of {name} was changed {place}{later}; the keys are as they were"
        code = "cells_changed"
    report.wrong(code, told, section=name, after_row=tally.good_rows or None, rows=change)


def _told_rows(rows: tuple[int, int]) -> str:
    first, last = rows
    return f"in row {first:,}" if first == last else f"in the rows {first:,} to {last:,}"


def _claimed_sha256(sections: tuple[SectionClaim, ...]) -> str:
    lines = (f"{section.name} {section.rows} {section.sha256}\n" for section in sections)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
