"""A shop's own migrations, run by Alembic as its developers run them."""

from pathlib import Path

from alembic import command
from alembic.config import Config

_ENVIRONMENT = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""

_SHOP = '''
"""The shop."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "1", None


def upgrade():
    op.create_table("customers", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), index=True),
        sa.Column("total", sa.Numeric(10, 2)),
        sa.Column("note", sa.Text),
    )
'''

_POINTS = '''
"""Loyalty points."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "2", "1"


def upgrade():
    op.create_table(
        "loyalty_points",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), index=True),
        sa.Column("points", sa.Integer),
    )
'''

_WIDER = '''
"""Larger amounts, and no notes."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "3", "2"


def upgrade():
    with op.batch_alter_table("orders") as orders:
        orders.alter_column("total", type_=sa.Numeric(14, 2))
        orders.drop_column("note")
'''

MAP = """# The map of the migrated shop.
map = 1
name = "Migrated"

[customer]
table = "customers"
key = "id"
key_type = "integer"
title = "name"

[[sections]]
name = "profile"
table = "customers"
links = [[{ columns = "id" }]]
order = "id"
columns = [{ name = "name", type = "text", personal_data = "identity" }]

[[sections]]
name = "orders"      # with what they cost
table = "orders"
links = [[{ columns = "customer_id" }]]
order = "id"
columns = [{ name = "total", type = "decimal", personal_data = "financial" }]

[[exclude]]          # the shop's, not the customer's
table = "orders"
columns = ["note"]
reason = "written by the warehouse for itself"
"""


def migrate(folder: Path, url: str, revision: str) -> None:
    """Bring a database to a revision: 1 is the shop, 2 adds a customer table, 3 changes and drops columns."""
    scripts = folder / "migrations"
    (scripts / "versions").mkdir(parents=True, exist_ok=True)
    (scripts / "env.py").write_text(_ENVIRONMENT, encoding="utf-8")
    for number, text in enumerate((_SHOP, _POINTS, _WIDER), start=1):
        (scripts / "versions" / f"{number}.py").write_text(text, encoding="utf-8")
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, revision)
