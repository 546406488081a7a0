"""Customers' data in PostgreSQL."""
