"""How far the sample company is and how to sign in to it. Imports next to nothing: every start asks."""

from pathlib import Path

from core.settings import settings


def sign_in_path() -> Path:
    """The file with the sample users' passwords, which only its owner may read."""
    return settings().data_dir / "sample-users.txt"


def sample_sign_in() -> str:
    """The lines that say how to sign in as one of the sample users; empty without them."""
    path = sign_in_path()
    if not path.exists():
        return ""
    lines = "\n".join(f"    {line}" for line in path.read_text().splitlines())
    return f"  Sample users (role, e-mail, password), kept in {path}:\n{lines}"


def loading_mark() -> Path:
    """There while the sample company is being loaded, so that a load that was cut off is taken up again."""
    return settings().data_dir / "sample-company.loading"


def is_loading() -> bool:
    return loading_mark().exists()
