"""Everything an SQL database holds on a customer: exact, complete and provably whole."""

__version__ = "0.1.0"
