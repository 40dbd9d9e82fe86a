"""The page /docs: every address of the service with a command that calls it, as one page without scripts.

It is made from /openapi.json, and loads nothing.
"""

import base64
import json
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse

from anyshot import data as datasets
from anyshot.app.server.schemas import ROW, Row
from anyshot.app.server.service import Service, service_of
from anyshot.app.server.tensors import tensor_of

if TYPE_CHECKING:
    import jinja2

router = APIRouter()
STYLE: Final = """
:root { color-scheme: light dark; --line: light-dark(#d8dbe0, #3a3f47); --quiet: light-dark(#57606a, #9aa4af);
  --code: light-dark(#f4f5f7, #1d2127); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; } p { margin: .25rem 0; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
h3 { margin: 0; font: 600 .95rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; overflow-x: auto;
  font: .85rem/1.5 ui-monospace, monospace; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; width: 100%; }
td { border-top: 1px solid var(--line); padding: .25rem .75rem .25rem 0; vertical-align: top; }
td:first-child { font-family: ui-monospace, monospace; white-space: nowrap; } .quiet { color: var(--quiet); }
"""
CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ title }}: the service</title>
<style>{{ style | safe }}</style></head>
<body>
<h1>{{ title }} {{ version }}</h1>
<p>{{ description }}</p>
<p class="quiet">The same as <a href="openapi.json">OpenAPI</a>. Errors are problem documents (RFC 9457).
{% if token %}Every address below but those for the health needs a token; put yours into the variable TOKEN.{% endif %}
</p>
{% for group, operations in groups %}
<h2>{{ group }}</h2>
{% for one in operations %}
<section>
<h3>{{ one.method }} {{ one.path }}</h3>
<p>{{ one.about }}</p>
{% if one.fields %}
<table>
{% for name, about in one.fields %}
<tr><td>{{ name }}</td><td>{{ about }}</td></tr>
{% endfor %}
</table>
{% endif %}
<pre>{{ one.command }}</pre>
{% if one.answer %}
<pre>{{ one.answer }}</pre>
{% endif %}
</section>
{% endfor %}
{% endfor %}
</body>
</html>
"""


class Operation(NamedTuple):
    """A method of an address, as the page shows it."""

    method: str
    path: str
    about: str
    fields: list[tuple[str, str]]  # of the body
    command: str
    answer: str  # an example


@router.get("/", include_in_schema=False)
def start() -> RedirectResponse:
    """Lead to the page, also behind a proxy that leaves out the beginning of addresses."""
    return RedirectResponse("docs")


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Return the page."""
    service = service_of(request)
    token = service.settings.token_file is not None
    model = "MODEL" if token else next(iter(service.models), "MODEL")  # with tokens, names are for those who have one
    row = _example_row(service, token=token)
    page = render(request.app, model=model, address=str(request.base_url).rstrip("/"), token=token, row=row)
    return HTMLResponse(page, headers={"content-security-policy": CSP})


def _example_row(service: Service, *, token: bool) -> Row | None:
    """Return a row that the first model reads, None if it reads other items; with tokens, its columns are secret."""
    table = next((live.snapshot.table for live in service.models.values()), None)
    if table is None:
        return None
    row: Row = ROW if token else datasets.example_row(table)
    return row


def render(app: FastAPI, *, model: str, address: str, token: bool, row: Row | None = None) -> str:
    """Return the page of an application.

    model: the name in examples; token: whether they need one; row: of features, None for texts as items.
    """
    described = app.openapi()
    groups: dict[str, list[Operation]] = {}
    operation = partial(_operation, described, model=model, address=address, token=token, row=row)
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            groups.setdefault(one.get("tags", ["service"])[0], []).append(operation(path, method, one))
    facts = {**described["info"], "token": token, "style": STYLE}
    return _template().render(groups=groups.items(), **facts)


@cache
def _template() -> "jinja2.Template":
    import jinja2  # here, since most processes never show the page, and it delays their start

    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(PAGE)


def _operation(
    described: dict[str, Any],
    path: str,
    method: str,
    one: dict[str, Any],
    *,
    model: str,
    address: str,
    token: bool,
    row: Row | None,
) -> Operation:
    content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _resolved(described, content.get("schema", {}))
    answered = next((status for status in one["responses"] if status.startswith("2")), "200")
    answer = one["responses"][answered].get("content", {}).get("application/json", {}).get("schema", {})
    examples = _resolved(described, answer).get("examples")
    return Operation(
        method.upper(),
        path,
        one.get("description") or one.get("summary", ""),
        [(name, own.get("description", "")) for name, own in body.get("properties", {}).items()],
        _command(method, address + example_path(path, model), _example(body.get("examples", []), row), token=token),
        json.dumps(examples[0], indent=2) if examples else "",
    )


def example_path(path: str, model: str) -> str:
    """Return an address with examples in place of its parameters."""
    return path.replace("{model}", quote(model)).replace("{name}", "refund").replace("{version}", "1")


def _example(examples: list[Any], row: Row | None) -> Any:
    """Return the example of a body, None if there is none; row: of features, which it is to have as items."""
    if row is None or len(examples) < 2:
        return examples[0] if examples else None
    tensors = [{"name": name, **tensor_of(cell)} for name, cell in row.items()]
    own = {"items": [row], "examples": [row], "inputs": tensors}
    return {name: own.get(name, given) for name, given in examples[1].items()}


def _command(method: str, address: str, example: Any, *, token: bool) -> str:
    """Return the command that calls an address; the JSON stands in single quotes, as shells read it."""
    has_body = example is not None
    parts = ["curl", *([] if method == "get" or (method == "post" and has_body) else [f"-X {method.upper()}"]), address]
    if token:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if has_body:
        text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
        parts += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " ".join(parts)


def _resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, which may be a reference."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["schemas"][name] if name else schema
    return found
