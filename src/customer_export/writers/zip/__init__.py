"""ZIP: a CSV a section with its CSVW metadata, the JSON with its schema, the manifest and a page to begin with."""
