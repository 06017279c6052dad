"""All pages of lists: overview and members, the rule builder, lists by hand."""

from abm.targets import agreement_pages, builder_pages, by_hand_pages, list_pages, yaml_pages
from abm.targets.blueprint import pages

__all__ = ["agreement_pages", "builder_pages", "by_hand_pages", "list_pages", "pages", "yaml_pages"]
