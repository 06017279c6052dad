"""The frame every page stands in.

How a page is made:

    pages = Blueprint("accounts", __name__)            # abm/accounts/pages.py, listed in abm/app.py

    @pages.get("/accounts")
    @requires(Permission.SEE)                          # nearest to the function; every view has one
    def index() -> str:
        return render_template("accounts/index.html", rows=list_accounts(g.session))

* `g.session`: reading session for GET; for POST a transaction that commits when the view returns.
* `g.user`: the signed-in user (id, name, email, role); `g.company`: abm.company.policy.Company.
* A form: parse in forms.py to values or raise InvalidInput(fields={...}); the view catches it and renders the form
  again with `typed=request.form, errors=error.fields`, status 422. After success `flash("Saved", "success")` and
  `redirect(url_for(...))`. The CSRF token: `{{ csrf_field() }}` in every form; htmx sends it by itself.
* Templates extend `base.html` with blocks title, lead (one sentence), actions (primary action at the right), content.
  Macros: `{% import "components/ui.html" as ui %}` and `{% import "components/forms.html" as f %}` and
  `{% import "components/charts.html" as charts %}`; see the comments at the top of each.
* A drawer with a number's arithmetic: `<a href="URL" hx-get="URL" hx-target="#drawer" data-drawer>` where URL renders a
  template that extends `drawer.html` (a whole page without htmx, a fragment with it).
* Every table is exported: `@exports(pages, path)` of `abm.web.exports`, `{{ ui.exports(endpoint, kept) }}` on the page.
* Inline styles and scripts are refused by the content policy: use classes (static/app/app.css), or a small file under
  static/app/ loaded with `<script src=... defer nonce="{{ nonce() }}">`.
* Menu counts: `abm.web.menu.register_count("Campaigns", function)`.
"""
