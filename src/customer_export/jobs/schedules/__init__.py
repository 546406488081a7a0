"""Jobs that are submitted again and again, at moments of a clock in some zone."""
