"""Pure values: what a column, a section, a request and a manifest are. No I/O."""
