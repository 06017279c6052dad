"""What each role may do: the one table that pages, commands and docs refer to."""

from enum import StrEnum


class Permission(StrEnum):
    SEE = "see"
    EXPORT = "export"
    EDIT_ACCOUNTS = "edit_accounts"
    IMPORT = "import"
    MERGE = "merge"
    ANALYSE = "analyse"
    EDIT_LISTS = "edit_lists"
    AGREE_TO_LISTS = "agree_to_lists"
    EDIT_CAMPAIGNS = "edit_campaigns"
    APPROVE_CAMPAIGNS = "approve_campaigns"
    LAUNCH_CAMPAIGNS = "launch_campaigns"
    SEE_OUTBOX = "see_outbox"
    SUPPRESS = "suppress"
    WORK = "work"
    RUN_MEETINGS = "run_meetings"
    EDIT_OFFERS = "edit_offers"
    REDEEM_OFFERS = "redeem_offers"
    WIN_BACK = "win_back"
    ADMINISTER = "administer"


class Role(StrEnum):
    ADMIN = "admin"
    MARKETER = "marketer"
    SALES = "sales"
    VIEWER = "viewer"


_SALES = frozenset(
    {
        Permission.SEE,
        Permission.EXPORT,
        Permission.EDIT_ACCOUNTS,
        Permission.AGREE_TO_LISTS,
        Permission.WORK,
        Permission.RUN_MEETINGS,
        Permission.REDEEM_OFFERS,
        Permission.WIN_BACK,
        Permission.SUPPRESS,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    # Vetoes and the sign-off are sales' word to the lists that marketing makes.
    Role.MARKETER: frozenset(Permission) - {Permission.ADMINISTER, Permission.AGREE_TO_LISTS},
    Role.SALES: _SALES,
    Role.VIEWER: frozenset({Permission.SEE}),
}


def may(role: str, permission: Permission) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    return role in set(Role) and permission in ROLE_PERMISSIONS[Role(role)]
