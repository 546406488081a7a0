"""Alembic's entry: run the migrations on the connection that `store.database` hands over."""

from alembic import context

from customer_export.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
