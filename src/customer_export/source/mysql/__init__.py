"""Customers' data in MySQL and MariaDB."""
