"""What processes of the program begin with in tests (program.py): everything imported, and the fonts of PDF cut.

Cutting them takes two seconds of computing, which a process that serves does at its start whatever it is asked for.
"""

import alembic.command  # noqa: F401  (this and the next two are imported late, by whoever needs them)
import dbos  # noqa: F401
import sqlglot  # noqa: F401

import customer_export.cli.main  # noqa: F401
from customer_export.writers.pdf.fonts import plain_fonts
from customer_export.writers.pdf.theme import DEFAULT_TEMPLATE

plain_fonts(DEFAULT_TEMPLATE)
