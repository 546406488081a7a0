"""Messages to receivers that others name: signed by a public specification, sent nowhere they must not go."""
