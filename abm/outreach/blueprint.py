"""The blueprint that all pages of campaigns belong to; `pages.py` brings them together."""

from flask import Blueprint
from werkzeug.wrappers import Response

pages = Blueprint("outreach", __name__)
Answer = str | Response | tuple[str, int]
