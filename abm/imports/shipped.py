"""Mapping files: the person's own, or one of those that come with the product (abm/imports/mappings)."""

from pathlib import Path
from typing import Any

import yaml

from abm.imports.layout import Layout
from abm.imports.mapping import Mapping, read_mapping
from core.errors import Refused

SHIPPED = Path(__file__).parent / "mappings"


def shipped_names() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_mapping(asked: str, layout: Layout) -> Mapping:
    """The mapping in the file `asked`, or the shipped one of that name. Raises Refused."""
    return read_mapping(_read_text(asked), layout, Path(asked).name)


def load_content(asked: str) -> dict[str, Any]:
    """What the mapping file says, as it is remembered; it has been read as a mapping before."""
    return yaml.safe_load(_read_text(asked)) or {}


def _read_text(asked: str) -> str:
    path = Path(asked)
    if not path.is_file():
        stem = path.name.removesuffix(".yaml").removesuffix(".yml")
        if stem not in shipped_names():
            raise Refused(
                f"There is no mapping file {asked}, and none of that name is shipped: {', '.join(shipped_names())}"
            )
        path = SHIPPED / f"{stem}.yaml"
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The mapping file {asked} cannot be read as UTF-8 text") from error
