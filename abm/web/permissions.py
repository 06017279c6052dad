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
    MANAGE_PARTNERS = "manage_partners"
    SERVE_AS_PARTNER = "serve_as_partner"
    ADMINISTER = "administer"


class Role(StrEnum):
    ADMIN = "admin"
    MARKETER = "marketer"
    SALES = "sales"
    VIEWER = "viewer"
    PARTNER = "partner"


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

# A partner works from outside: its pages are its own, held to its own rows, and no other page opens for it.
_COLLEAGUES = frozenset(Permission) - {Permission.SERVE_AS_PARTNER}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: _COLLEAGUES,
    # Vetoes and the sign-off are sales' word to the lists that marketing makes.
    Role.MARKETER: _COLLEAGUES - {Permission.ADMINISTER, Permission.AGREE_TO_LISTS},
    Role.SALES: _SALES,
    Role.VIEWER: frozenset({Permission.SEE}),
    Role.PARTNER: frozenset({Permission.SERVE_AS_PARTNER}),
}


def first_page(role: str) -> str:
    """The endpoint where somebody starts."""
    return "portal.home" if role == Role.PARTNER else "home.today"


def may(role: str, permission: Permission) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    return role in set(Role) and permission in ROLE_PERMISSIONS[Role(role)]
