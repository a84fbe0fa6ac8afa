#!/usr/bin/env python3
"""extract.py OUT: draws the slot values from Faker (MIT) into OUT/values.tsv: locale, kind, value.

Reproducible but for the towns of it_IT: one seed per locale and the version of Faker pinned in requirements.txt. Newlines of postal addresses are written as \\n.
Kinds that a locale does not provide itself (Faker then falls back to en_US) are left out.
"""
import pathlib
import sys

import faker
from faker.config import AVAILABLE_LOCALES

DRAWS = {"first": 2500, "last": 2500, "name": 300, "city": 1200, "street": 500, "line": 250, "address": 250, "company": 200, "state": 200, "country": 300, "word": 1500}
METHOD = {"first": "first_name", "last": "last_name", "street": "street_name", "line": "street_address"}
OWN = {"first": "person", "last": "person", "name": "person", "city": "address", "street": "address", "line": "address",
       "address": "address", "state": "address", "country": "address", "company": "company", "word": "lorem"}


def provided(fake, locale, group):
    """Whether the provider of this group is the locale's own."""
    for provider in fake.get_providers():
        module = type(provider).__module__
        if module.startswith(f"faker.providers.{group}."):
            return locale.split("_")[0] in module or locale in module
    return False


def values(fake, locale):
    for kind, draws in DRAWS.items():
        if not provided(fake, locale, OWN[kind]):
            continue
        method = getattr(fake, METHOD.get(kind, {"state": "administrative_unit"}.get(kind, kind)), None) if kind != "state" else getattr(fake, "state", None)
        if method is None:
            continue
        try:
            seen = sorted({method() for _ in range(draws)})
        except Exception:
            continue
        for value in seen:
            yield kind, value.replace("\n", "\\n").replace("\t", " ")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "values.tsv", "w", encoding="utf-8") as file:
        for locale in sorted(AVAILABLE_LOCALES):
            if locale == "la" or len(locale) < 5:
                continue
            fake = faker.Faker(locale)
            fake.seed_instance(20260101)
            for kind, value in values(fake, locale):
                if value.strip():
                    file.write(f"{locale}\t{kind}\t{value}\n")


main()
