"""All pages of lists: overview and members, the rule builder, lists by hand."""

from abm.targets import builder_pages, by_hand_pages, list_pages
from abm.targets.blueprint import pages

__all__ = ["builder_pages", "by_hand_pages", "list_pages", "pages"]
