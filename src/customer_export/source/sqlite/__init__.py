"""Customers' data in SQLite."""
