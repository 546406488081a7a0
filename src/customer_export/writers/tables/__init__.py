"""Tables of a section's rows of many customers."""
