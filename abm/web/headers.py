"""Security headers: a content policy with a nonce per request, no framing, no sniffing, nothing kept by caches."""

import secrets

from flask import Flask, Response, g, request

_POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)
_WITHOUT_NONCE = _POLICY.format(nonce="")
_FIXED = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
          ("Cross-Origin-Opener-Policy", "same-origin"), ("Cache-Control", "no-store"))
_HTTPS = (("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),)
_SENT_FILE = "no-cache"  # what Flask says of a file that it sends: caches may keep it, which nobody must
_LASTING = "public, max-age=31536000, immutable"


def nonce() -> str:
    """This request's nonce, for the script and style tags of the base template."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def set_up_headers(app: Flask, *, is_https: bool) -> None:
    fixed = _FIXED + (_HTTPS if is_https else ())

    @app.after_request
    def _secure(response: Response) -> Response:
        headers = response.headers
        if request.endpoint == "static":
            headers["Cache-Control"] = _LASTING
        present = {name.lower() for name, _value in headers}  # asking the headers one by one costs a walk each
        for name, value in (("Content-Security-Policy", _policy(response)), *fixed):
            if name.lower() not in present:
                headers.add(name, value)
            elif name == "Cache-Control" and headers[name] == _SENT_FILE:
                headers[name] = value
        return response


def _policy(response: Response) -> str:
    """With a nonce for pages; nothing inline runs in anything else."""
    is_page = response.status_code != 302 and (response.content_type or "").startswith("text/html")
    return _POLICY.format(nonce=f" 'nonce-{nonce()}'") if is_page else _WITHOUT_NONCE
