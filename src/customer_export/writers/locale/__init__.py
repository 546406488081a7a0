"""How people read an export: the product's words in twelve languages, and numbers and dates by locale.

CSV and JSON stay canonical and use nothing of this.
"""

from customer_export.writers.locale.forms import Locale, locale_of
from customer_export.writers.locale.tags import LOCALES, parse_locale
from customer_export.writers.locale.words import Word

__all__ = ["LOCALES", "Locale", "Word", "locale_of", "parse_locale"]
