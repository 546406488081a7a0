"""What parameters mean to somebody: the map as they may see it, and what a template adds."""

import re
from collections.abc import Iterator
from functools import lru_cache

from customer_export.errors import InvalidRequestError, TemplateMisfitError
from customer_export.export.parameters import CSV_ONLY, Asked, Parameters
from customer_export.export.templates.body import read_content
from customer_export.model.access import Principal
from customer_export.model.customer_map import CustomerMap
from customer_export.model.disclosure import DsarProfile
from customer_export.model.dsar import map_for_answer
from customer_export.model.policy import map_for
from customer_export.model.request import ExportFormat
from customer_export.model.template import ExportTemplate, KeptTemplate, map_by_template, misfits
from customer_export.services import Services

KEPT_TEMPLATES = 64  # read ones; each takes some kilobytes

_REFERENCE = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)(?:@([1-9][0-9]{0,8}))?")


def ask(services: Services, principal: Principal, given: Parameters, *, draft: ExportTemplate | None = None) -> Asked:
    """Give what somebody asks for: by the template that they name or are just writing, or for a data subject.

    Parameters that are none are left to `resolve_request` to tell. Raises InvalidRequestError for an unknown template,
    TemplateMisfitError, DsarIncompleteError and StoreUnavailableError.
    """
    named = dict(given)
    customer_map = map_for(principal, services.source.map, services.policy)
    template = draft if draft is not None or "template" not in named else _find(services, named["template"])
    if template is not None:
        return by_template(given, customer_map, template)
    profile = named.get("dsar")
    if profile in list(DsarProfile):
        customer_map = map_for_answer(customer_map, DsarProfile(profile))
    return Asked(parameters=given, customer_map=customer_map)


def by_template(given: Parameters, customer_map: CustomerMap, template: ExportTemplate) -> Asked:
    """Give what is asked for by a template. Raises TemplateMisfitError."""
    problems = list(misfits(template, customer_map))
    if problems:
        raise TemplateMisfitError(template.reference, problems)
    return Asked(
        parameters=tuple(_filled_in(given, template)),
        customer_map=map_by_template(customer_map, template),
        template=template,
    )


def read_reference(text: str) -> tuple[str, int | None] | None:
    """Read `NAME` or `NAME@VERSION`; None if it is neither."""
    found = _REFERENCE.fullmatch(text)
    return None if found is None else (found[1], None if found[2] is None else int(found[2]))


def _find(services: Services, text: str) -> ExportTemplate:
    reference = read_reference(text)
    kept = None if reference is None else services.templates.find(*reference)
    if kept is None:
        raise InvalidRequestError(
            f"Invalid request parameters: template: there is no template {text[:80]!r}; GET /api/admin/templates lists "
            "them"
        )
    return template_of(kept)


@lru_cache(KEPT_TEMPLATES)
def template_of(kept: KeptTemplate) -> ExportTemplate:
    """Read a version that was kept."""
    return read_content(kept.content, name=kept.name, version=kept.version)


def _filled_in(given: Parameters, template: ExportTemplate) -> Iterator[tuple[str, str]]:
    """Give the parameters, with the version of the template, and then those of the template that are not among them.

    Those of another format than the one asked for mean nothing in it.
    """
    named = dict(given)
    file_format = named.get("format", dict(template.parameters).get("format"))
    yield from ((name, value) for name, value in given if name != "template")
    yield "template", template.reference
    for name, value in template.parameters:
        of_other = (name in CSV_ONLY and file_format != ExportFormat.CSV) or (
            name == "attach" and file_format != ExportFormat.PDF
        )
        if name not in named and not of_other:
            yield name, value
