"""Templates on SQLite or PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping

from customer_export.model.audit import moment_text
from customer_export.model.template import KeptTemplate
from customer_export.store.database import let_nobody_else_write, transaction
from customer_export.store.tables import TEMPLATES

_ROW = TEMPLATES.c
_IN_USE = _ROW.deleted_at.is_(None)


class SqlTemplates:
    """Templates in one database; see `TemplateStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, name: str, content: str, *, sha256: str, at: datetime, by: str) -> tuple[KeptTemplate, bool]:
        """Keep a new version and say True; if the newest says the same, give that and say False."""
        with transaction(self._engine) as connection:
            let_nobody_else_write(connection, TEMPLATES)
            last = connection.execute(
                sa.select(TEMPLATES).where(_ROW.name == name).order_by(_ROW.version.desc()).limit(1)
            ).mappings().one_or_none()  # fmt: skip
            if last is not None and last["deleted_at"] is None and last["sha256"] == sha256:
                return _template(last), False
            kept = KeptTemplate(
                name=name,
                version=1 if last is None else last["version"] + 1,
                content=content,
                sha256=sha256,
                saved_at=at,
                saved_by=by,
            )
            connection.execute(
                TEMPLATES.insert().values(
                    name=name,
                    version=kept.version,
                    content=content,
                    sha256=sha256,
                    saved_at=moment_text(at),
                    saved_by=by,
                )
            )
        return kept, True

    def find(self, name: str, version: int | None = None) -> KeptTemplate | None:
        """Find a version, or the newest; None if there is none, or if the template was deleted after it."""
        asked = sa.select(TEMPLATES).where(_ROW.name == name, _IN_USE).order_by(_ROW.version.desc()).limit(1)
        found = self._templates(asked if version is None else asked.where(_ROW.version == version))
        return found[0] if found else None

    def newest(self, *, after: str | None, limit: int) -> Sequence[KeptTemplate]:
        """Give the newest version of at most `limit` templates in the order of their names, behind one of them."""
        later = TEMPLATES.alias("later").c
        is_followed = sa.exists().where(later.name == _ROW.name, later.version > _ROW.version)
        asked = sa.select(TEMPLATES).where(_IN_USE, ~is_followed).order_by(_ROW.name).limit(limit)
        return self._templates(asked if after is None else asked.where(_ROW.name > after))

    def versions(self, name: str) -> Sequence[KeptTemplate]:
        """Give the versions that can be used, the newest first."""
        return self._templates(sa.select(TEMPLATES).where(_ROW.name == name, _IN_USE).order_by(_ROW.version.desc()))

    def delete(self, name: str, *, at: datetime) -> bool:
        """Have nobody use a template any more; False if there is none."""
        with transaction(self._engine) as connection:
            gone = TEMPLATES.update().where(_ROW.name == name, _IN_USE).values(deleted_at=moment_text(at))
            return connection.execute(gone).rowcount > 0

    def _templates(self, asked: sa.Select[tuple[object, ...]]) -> Sequence[KeptTemplate]:
        with transaction(self._engine) as connection:
            return [_template(row) for row in connection.execute(asked).mappings()]


def _template(row: RowMapping) -> KeptTemplate:
    return KeptTemplate(
        name=row["name"],
        version=row["version"],
        content=row["content"],
        sha256=row["sha256"],
        saved_at=datetime.fromisoformat(row["saved_at"]),
        saved_by=row["saved_by"],
    )
