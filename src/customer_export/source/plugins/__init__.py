"""Sections that plug-ins give, from outside of the database."""
