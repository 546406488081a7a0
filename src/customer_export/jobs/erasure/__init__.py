"""Erasing a customer: what is kept of them is found and destroyed."""
