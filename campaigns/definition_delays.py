"""Delays as people write them: `3 working days`, `4 hours`."""

import re

from campaigns.definition_values import UNITS, Delay
from campaigns.raw_fields import RawFields, describe, nearest

_DELAY = re.compile(r"(\d{1,4})\s*(?:(working|business)\s+)?(minutes?|hours?|days?|weeks?)", re.IGNORECASE)


def read_delay(fields: RawFields, name: str = "after", default: str = "0 days") -> Delay:
    """The delay called `name`; a complaint and none at all where it cannot be read."""
    value = fields.raw.get(name, default)
    found = _DELAY.fullmatch(str(value).strip())
    if found is None:
        if str(value).strip() != "0":
            fields.wrong(name, f'{describe(value)} is not a delay such as "3 working days", "7 days" or "4 hours"'
                               f"{_nearest_unit(str(value))}")
        return Delay()
    amount, unit = int(found[1]), found[3].casefold().removesuffix("s") + "s"
    if found[2] and unit != "days":
        fields.wrong(name, f'{describe(value)}: only days can be working days, as in "{amount} working days"')
    return Delay(amount, "working days" if found[2] else unit)


def _nearest_unit(value: str) -> str:
    number, _, unit = value.strip().partition(" ")
    near = nearest(unit, UNITS) if number.isdecimal() and unit else ""
    return near.replace('did you mean "', f'did you mean "{number} ')
