"""Save, show, list and delete templates."""

from collections.abc import Mapping, Sequence

from customer_export.errors import ColumnForbiddenError, InvalidRequestError, TemplateNotFoundError
from customer_export.export.admission import require_scope
from customer_export.export.asking import ask, by_template, read_reference, template_of
from customer_export.export.changes import record_change
from customer_export.export.parameters import Parameters, any_customer_id, resolve_request
from customer_export.export.templates.body import read_template, template_members
from customer_export.export.templates.sample import set_sample
from customer_export.model.access import Principal, Scope
from customer_export.model.policy import map_for
from customer_export.model.request import ExportFormat
from customer_export.model.template import ExportTemplate, KeptTemplate, ReportDesign, chosen_columns, misfits
from customer_export.services import Services
from customer_export.writers.json_schema import document_schema

DRAFT = "draft"
"""What a template is called that has no name yet."""


def save_template(
    services: Services, name: str, wanted: object, principal: Principal, *, client: str | None = None
) -> tuple[Mapping[str, object], bool]:
    """Keep a new version of a template, which has to fit the map; say whether it is one.

    Raises InvalidRequestError, InsufficientScopeError, ColumnForbiddenError for what whoever saves it may not see, and
    StoreUnavailableError.
    """
    require_scope(principal, Scope.TEMPLATES)
    template, content = read_draft(services, name, wanted, principal)
    newest = services.templates.find(name)
    if newest is None or newest.sha256 != template.sha256:
        change = "created" if newest is None else "replaced"
        record_change(
            services, "template", name, change, principal=principal.name, client=client, sha256=template.sha256
        )
    kept, is_new = services.templates.save(name, content, sha256=template.sha256, at=services.now(), by=principal.name)
    return _members(services, kept), is_new


def read_draft(services: Services, name: str, wanted: object, principal: Principal) -> tuple[ExportTemplate, str]:
    """Read a template as somebody sends it, and check it all but keep it; raises as `save_template` does."""
    reference = read_reference(name)
    if reference is None or reference[1] is not None:
        raise InvalidRequestError(
            "Invalid template: name: is none; use 1 to 64 small letters, digits and hyphens, such as orders-desk"
        )
    template, content = read_template(wanted, name=name)
    _check_use(services, template, principal)
    return template, content


def preview_draft(wanted: object, services: Services, principal: Principal) -> ExportTemplate:
    """Read a template that is to be tried before it is saved; raises as `save_template` does."""
    require_scope(principal, Scope.TEMPLATES)
    draft, _ = read_draft(services, DRAFT, wanted, principal)
    return draft


def _check_use(services: Services, template: ExportTemplate, principal: Principal) -> None:
    customer_map = map_for(principal, services.source.map, services.policy)
    problems = list(misfits(template, customer_map))
    if problems:
        raise InvalidRequestError(f"Invalid template: {'; '.join(problems)}")
    named = dict(template.parameters)
    formats = [ExportFormat(named["format"])] if named.get("format") in list(ExportFormat) else list(ExportFormat)
    for file_format in formats:  # of each other one some parameters mean nothing
        asked = by_template([("format", named.get("format", file_format))], customer_map, template)
        resolve_request(any_customer_id(customer_map), asked)
    masked = [
        f"{section.name}.{column.name}"
        for section, column in chosen_columns(template, customer_map)
        if column.mask is not None
    ]
    if masked:
        raise ColumnForbiddenError(masked)
    if template.design != ReportDesign():
        set_sample(services, by_template([("format", ExportFormat.PDF)], customer_map, template))


def show_template(services: Services, reference: str) -> Mapping[str, object]:
    """Give a template as `NAME` or `NAME@VERSION`, with its versions. Raises TemplateNotFoundError."""
    read = read_reference(reference)
    kept = None if read is None else services.templates.find(*read)
    if kept is None:
        raise TemplateNotFoundError
    return _members(services, kept)


def published_schema(services: Services, given: Parameters, principal: Principal) -> Mapping[str, object]:
    """Give the JSON Schema of documents, or of those by the `template` that is given.

    Raises InvalidRequestError, and TemplateMisfitError.
    """
    unknown = next((name for name, _ in given if name != "template"), None)
    if unknown is not None or len(given) > 1:
        raise InvalidRequestError(
            f"Invalid request parameters: {(unknown or 'template')[:64]}: the only parameter is template, once"
        )
    asked = ask(services, principal, given)
    return document_schema(asked.customer_map if asked.template else services.source.map, asked.template)


def list_templates(
    services: Services, *, after: str | None, limit: int
) -> tuple[Sequence[Mapping[str, object]], str | None]:
    """Give the newest version of each template, in the order of their names, and the name behind which more are."""
    found = services.templates.newest(after=after, limit=limit + 1)
    page = found[:limit]
    return [_head(kept) for kept in page], page[-1].name if len(found) > limit else None


def delete_template(services: Services, name: str, principal: Principal, *, client: str | None = None) -> None:
    """Have nobody use a template any more. Raises InsufficientScopeError and TemplateNotFoundError."""
    require_scope(principal, Scope.TEMPLATES)
    if services.templates.find(name) is None:
        raise TemplateNotFoundError
    record_change(services, "template", name, "deleted", principal=principal.name, client=client)
    services.templates.delete(name, at=services.now())


def _head(kept: KeptTemplate) -> dict[str, object]:
    return {
        "name": kept.name,
        "version": kept.version,
        "description": template_of(kept).description,
        "sha256": kept.sha256,
        "savedAt": kept.saved_at.isoformat(timespec="milliseconds"),
        "savedBy": kept.saved_by,
    }


def _members(services: Services, kept: KeptTemplate) -> Mapping[str, object]:
    return {
        **_head(kept),
        "template": template_members(kept.content),
        "versions": [
            {
                "version": one.version,
                "savedAt": one.saved_at.isoformat(timespec="milliseconds"),
                "savedBy": one.saved_by,
            }
            for one in services.templates.versions(kept.name)
        ],
    }
