"""The blueprint of tasks and calls; its views stand in `pages` and `desk_pages`."""

from flask import Blueprint

pages = Blueprint("work", __name__)
