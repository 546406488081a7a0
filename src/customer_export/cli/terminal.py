"""What goes to a terminal."""


def harmless(text: str) -> str:
    """Replace what a terminal would act on: texts come from databases and callers."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
