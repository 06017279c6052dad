"""The blueprint that all pages of lists hang on."""

from flask import Blueprint
from werkzeug.wrappers import Response

pages = Blueprint("targets", __name__)
Answer = str | Response | tuple[str, int]
