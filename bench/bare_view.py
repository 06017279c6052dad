"""The floor of the benchmark of visits: a Flask application with one view that answers a few bytes."""

from flask import Flask, Response

app = Flask(__name__)


@app.get("/bare")
def bare() -> Response:
    return Response(b"GIF89a", mimetype="image/gif")
