"""Run by Alembic for every upgrade, on the connection that `ketl.store.schema` holds the lock with."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
