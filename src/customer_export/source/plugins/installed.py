"""The plug-ins that are installed beside the program, by the names that maps know them by."""

from functools import cache
from importlib.metadata import entry_points
from typing import cast

from customer_export.source.plugins.interface import ENTRY_POINTS, SectionPlugin


class PluginMissingError(Exception):
    """What is wrong with a plug-in's name and what to change, as the end of a sentence about `plugin`."""


@cache
def load_plugin(name: str) -> SectionPlugin:
    """Load the plug-in of that name, once. Raises PluginMissingError if there is none, or if it cannot be loaded."""
    installed = {one.name: one for one in entry_points(group=ENTRY_POINTS)}
    if name not in installed:
        known = f"installed are {', '.join(sorted(installed))}" if installed else "none is"
        raise PluginMissingError(f"is {name!r}, which is not installed ({known}); install the package that has it")
    where = installed[name].value
    try:
        plugin = installed[name].load()
    except Exception as failure:
        reason = f"{type(failure).__name__}: {failure}"
        raise PluginMissingError(
            f"is {name!r}, but {where!r} cannot be loaded ({reason}); mend its package"
        ) from failure
    if not callable(plugin):
        raise PluginMissingError(f"is {name!r}, but {where!r} cannot be called; name a function as its entry point")
    return cast("SectionPlugin", plugin)
