"""What processes of the program begin with in tests (program.py): everything imported, and the fonts of PDF cut.

Cutting them takes two seconds of computing, which a process that serves does at its start whatever it is asked for.
What is there by then is no garbage: each process would look through all of it, for a quarter of a second at its start.
"""

import gc

import alembic.command  # noqa: F401  (this and the next two are imported late, by whoever needs them)
import dbos  # noqa: F401
import sqlglot  # noqa: F401

import customer_export.cli.main  # noqa: F401
from customer_export.model.time_zones import zone_names
from customer_export.writers.pdf.fonts import plain_fonts
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE

plain_fonts(DEFAULT_TEMPLATE)
zone_names()
gc.collect()
gc.freeze()
