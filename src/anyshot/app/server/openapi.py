"""The description of the service as OpenAPI: bodies that routes read themselves, as JSON or as a form with files."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from anyshot.base.model_folder import anyshot_version

_BODIES: Final[dict[str, type[BaseModel]]] = {}


def body_of(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the description of a body, for a route that reads it by `read_body`."""
    _BODIES[schema.__name__] = schema
    own = {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}
    return {"requestBody": {"required": True, "content": {"application/json": own}}}


def describe(app: FastAPI) -> None:
    """Add the bodies that routes read themselves to the description of the application."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title, version=anyshot_version(), description=app.description, routes=app.routes
            )
            pairs: Any = [(schema, "validation") for schema in _BODIES.values()]
            _, own = models_json_schema(pairs, ref_template="#/components/schemas/{model}")
            found.setdefault("components", {}).setdefault("schemas", {}).update(own["$defs"])
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
