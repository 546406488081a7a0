"""Reading many customers at once: the statements of one, with a column of their row in the place of the parameter."""
