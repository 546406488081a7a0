"""Says offline whether a file of ours is whole: from its bytes and its manifest alone."""
