"""Where finished files are kept: a folder, or an object store through obstore."""
