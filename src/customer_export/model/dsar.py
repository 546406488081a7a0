"""An answer to a data subject: what a profile leaves of a map, what the map lacks for it, what its cover says.

Pure. A profile only ever narrows what the caller may see; what it masks is masked in the SELECT, as by a policy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from customer_export.errors import DsarIncompleteError
from customer_export.model.columns import Column, ColumnType, Mask, PersonalDataClass
from customer_export.model.customer_map import CustomerMap, Exclusion, Section
from customer_export.model.disclosure import (
    PORTABLE,
    DsarInformation,
    DsarProfile,
    Origin,
    ProtectedClass,
    SideInformation,
    Withheld,
    WithheldReason,
)
from customer_export.model.policy import columns_of, mask_columns, orders_left
from customer_export.model.request import ExportRequest

KEPT_VIEWS = 64  # as many as of policies (model/policy.py): three profiles of each of the masked maps in use

_OF_ANSWER: Mapping[DsarProfile, tuple[str, ...]] = {
    DsarProfile.GDPR_ACCESS: ("authority", "transfers", "automated_decisions"),
    DsarProfile.GDPR_PORTABILITY: (),
    DsarProfile.CCPA_KNOW: (),
}
"""What `[dsar]` must say beside who answers: Article 15(1)(f), 15(2) and 15(1)(h)."""

_OF_SECTION: Mapping[DsarProfile, tuple[str, ...]] = {
    DsarProfile.GDPR_ACCESS: ("purpose", "recipients", "retention", "origin"),
    DsarProfile.GDPR_PORTABILITY: ("origin",),
    DsarProfile.CCPA_KNOW: ("purpose", "recipients", "origin"),
}
"""What each section must say: Article 15(1)(a), (c), (d), (g); of California's, purpose, recipients, sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredSection:
    """A section of an answer, with the classes of personal data in it.

    `other_origins` has the labels of columns that come from elsewhere than the section.
    """

    name: str
    label: str
    classes: tuple[PersonalDataClass, ...]
    side: SideInformation
    other_origins: Mapping[Origin, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """What the covering document of an answer says.

    `not_requested` are labels of sections that were left out, `excluded` what the map leaves out of every export.
    """

    profile: DsarProfile
    information: DsarInformation
    sections: tuple[CoveredSection, ...]
    withheld: tuple[Withheld, ...]
    not_requested: tuple[str, ...]
    excluded: tuple[Exclusion, ...]

    def members(self) -> dict[str, object]:
        """Give it as JSON members (docs/dsar.md)."""
        about = self.information
        return {
            "profile": self.profile.value,
            "controller": about.controller,
            "contact": about.contact,
            "authority": about.authority,
            "transfers": about.transfers,
            "automatedDecisions": about.automated_decisions,
            "rights": about.rights,
            "sections": [_section_members(section) for section in self.sections],
            "withheld": [
                {
                    "section": one.section,
                    "label": one.label,
                    "columns": list(one.columns),
                    "reason": one.reason.value,
                    "protected": None if one.protected is None else one.protected.value,
                }
                for one in self.withheld
            ],
            "notRequested": list(self.not_requested),
            "excluded": [
                {"table": str(one.table), "columns": list(one.columns), "reason": one.reason} for one in self.excluded
            ],
        }


def _section_members(section: CoveredSection) -> dict[str, object]:
    side = section.side
    return {
        "name": section.name,
        "label": section.label,
        "personalData": [one.value for one in section.classes],
        "purpose": side.purpose,
        "recipients": side.recipients,
        "retention": side.retention,
        "origin": None if side.origin is None else side.origin.value,
        "otherOrigins": {origin.value: list(labels) for origin, labels in section.other_origins.items()},
        "obtainedFrom": side.obtained_from,
    }


def map_for_answer(customer_map: CustomerMap, profile: DsarProfile) -> CustomerMap:
    """Give the map as an answer of a profile may show it.

    Raises DsarIncompleteError if the map lacks what the answer has to say, or does not offer the profile.
    """
    missing = missing_information(customer_map, profile)
    if missing:
        raise DsarIncompleteError(profile, missing)
    return _kept_view(customer_map, profile)


def missing_information(customer_map: CustomerMap, profile: DsarProfile) -> tuple[str, ...]:
    """Say what the map lacks for a profile: each a key, and the remedy."""
    return tuple(_missing(customer_map, profile))


def missing_for_offered(customer_map: CustomerMap) -> tuple[str, ...]:
    """Say what the map lacks for the profiles that it offers: nothing of a map that has no `[dsar]`."""
    offered = () if customer_map.dsar is None else customer_map.dsar.profiles
    return tuple(dict.fromkeys(line for profile in offered for line in _missing(customer_map, profile)))


def covering_of(request: ExportRequest, customer_map: CustomerMap) -> Covering | None:
    """Say what the cover of a request's answer says, of the map that was narrowed for it; None if it is no answer.

    Raises ValueError of another map: nothing may say that it withholds what it shows.
    """
    if request.dsar is not customer_map.answers:
        raise ValueError(f"The map was narrowed for {customer_map.answers}, and {request.dsar} was asked for")
    if request.dsar is None or customer_map.dsar is None:
        return None
    asked = [section for section in customer_map.sections if section.name in request.sections]
    left_out = [section for section in customer_map.sections if section not in asked]
    names = {section.name for section in left_out}
    return Covering(
        profile=request.dsar,
        information=customer_map.dsar,
        sections=tuple(map(_covered, asked)),
        withheld=tuple(one for one in customer_map.withheld if one.section not in names),
        not_requested=tuple(section.label for section in left_out),
        excluded=customer_map.excluded,
    )


def _covered(section: Section) -> CoveredSection:
    classes = dict.fromkeys(column.personal_data for column in section.exported_columns)
    others: dict[Origin, list[str]] = {}
    for column in section.exported_columns:
        if column.origin is not None and column.origin is not section.side.origin:
            others.setdefault(column.origin, []).append(column.label)
    return CoveredSection(
        name=section.name,
        label=section.label,
        classes=tuple(one for one in classes if one is not PersonalDataClass.NONE),
        side=section.side,
        other_origins={origin: tuple(labels) for origin, labels in others.items()},
    )


def _missing(customer_map: CustomerMap, profile: DsarProfile) -> Iterator[str]:
    about = customer_map.dsar
    if about is None:
        yield "[dsar] is missing; say in it who answers: controller and contact"
        return
    if profile not in about.profiles:
        yield f"dsar.profiles leaves {profile} out; add it"
        return
    for key in _OF_ANSWER[profile]:
        if getattr(about, key) is None:
            yield f"dsar.{key} is missing; add it, since {profile} has to tell it"
    for section in customer_map.sections:
        yield from _missing_of_section(section, profile)


def _missing_of_section(section: Section, profile: DsarProfile) -> Iterator[str]:
    place = f"sections[{section.name}]"
    for key in _OF_SECTION[profile]:
        if getattr(section.side, key) is None:
            yield f"{place}.{key} is missing; add it, since {profile} has to tell it"
    if profile is DsarProfile.GDPR_ACCESS and _is_of_others(section) and section.side.obtained_from is None:
        yield f"{place}.obtained_from is missing; say who gave what the customer did not give"
    if profile is DsarProfile.CCPA_KNOW:
        for column in section.columns:
            if _must_be_classed(column):
                yield f'{place}.columns[{column.name}].protected is missing; name its class, or say "none"'


def _is_of_others(section: Section) -> bool:
    return any(column.origin is Origin.THIRD_PARTY for column in section.columns)


def _must_be_classed(column: Column) -> bool:
    """Whether somebody has to decide if a column may be sent: sensitive ones, and numbers of accounts."""
    account = column.personal_data is PersonalDataClass.FINANCIAL and column.type is ColumnType.IDENTIFIER
    return column.protected is None and (account or column.personal_data is PersonalDataClass.SENSITIVE)


@lru_cache(KEPT_VIEWS)
def _kept_view(customer_map: CustomerMap, profile: DsarProfile) -> CustomerMap:
    narrowed = [_narrow(section, profile) for section in customer_map.sections]
    sections = tuple(section for section in narrowed if section.exported_columns)
    customer, orders = customer_map.customer, customer_map.orders
    named = [column for title in customer.title for column in columns_of(customer_map, customer.table, title)]
    return replace(
        customer_map,
        customer=replace(customer, title=()) if any(_reason(one, profile) for one in named) else customer,
        orders=None if orders is None else orders_left(orders, sections),
        sections=sections,
        answers=profile,
        withheld=tuple(one for section in customer_map.sections for one in _withheld(section, profile)),
    )


def _narrow(section: Section, profile: DsarProfile) -> Section:
    masks = {column.name: Mask.WITHHOLD if _reason(column, profile) else column.mask for column in section.columns}
    masked = mask_columns(section.columns, masks)
    times = [column for column in masked if column.source == section.time]
    left = tuple(column for column in masked if not _is_dropped(column, section, profile))
    shown = all(column.mask is None and column in left for column in times)
    return replace(section, columns=left, time=section.time if shown else None)


def _is_dropped(column: Column, section: Section, profile: DsarProfile) -> bool:
    """Whether a column leaves a portable answer; a currency stays as long as an amount does."""
    if profile is not DsarProfile.GDPR_PORTABILITY or column.hidden or column.origin in PORTABLE:
        return False
    return not any(other.currency == column.name and other.origin in PORTABLE for other in section.columns)


def _reason(column: Column, profile: DsarProfile) -> WithheldReason | None:
    """Say why a profile masks a column."""
    if column.third_party:
        return WithheldReason.THIRD_PARTY
    if profile is DsarProfile.CCPA_KNOW and column.protected not in {None, ProtectedClass.NONE}:
        return WithheldReason.PROTECTED
    return None


def _withheld(section: Section, profile: DsarProfile) -> Iterator[Withheld]:
    found: dict[tuple[WithheldReason, ProtectedClass | None], list[str]] = {}
    for column in section.columns:
        reason = _told_reason(column, section, profile)
        if reason is not None:
            protected = column.protected if reason is WithheldReason.PROTECTED else None
            found.setdefault((reason, protected), []).append(column.label)
    for (reason, protected), labels in found.items():
        yield Withheld(
            section=section.name, label=section.label, columns=tuple(labels), reason=reason, protected=protected
        )


def _told_reason(column: Column, section: Section, profile: DsarProfile) -> WithheldReason | None:
    reason = _reason(column, profile)
    if reason is not None:
        return reason
    if column.hidden:
        return WithheldReason.HIDDEN
    if _is_dropped(column, section, profile):
        return WithheldReason.NOT_PORTABLE
    return WithheldReason.POLICY if column.mask is not None else None
