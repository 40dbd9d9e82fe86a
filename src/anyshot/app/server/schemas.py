"""The bodies of requests and answers, and their description as OpenAPI."""

import base64
from collections.abc import Callable
from typing import Annotated, Any, Final, Self, TypeAlias, TypeVar

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import models_json_schema

from anyshot.app.server.settings import MAX_ENTRIES
from anyshot.base.columns import is_blank
from anyshot.base.model_folder import anyshot_version

Label: TypeAlias = bool | int | FiniteFloat | str
T = TypeVar("T")
Many: TypeAlias = Annotated[list[T], Field(max_length=MAX_ENTRIES)]
"""A list of a body. Without the limit, millions of numbers in place of texts would be as many errors."""

LONGEST_NAME: Final = 1_000
"""Letters of the name of a class, which addresses have to hold."""


def _decoded(given: Any) -> Any:
    """Return the bytes of base64, which may be a data URL and have line breaks, as programs write it."""
    if not isinstance(given, str):
        return given
    start, _, rest = given.partition(",")
    text = rest if start.startswith("data:") else given
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError("it is not base64") from error


def _usable_name(name: Label) -> Label:
    if isinstance(name, str) and is_blank(name):
        raise ValueError("it is empty")
    if isinstance(name, str) and len(name) > LONGEST_NAME:
        raise ValueError(f"it has {len(name):,} letters; a name may have {LONGEST_NAME:,}")
    if name in (".", ".."):  # clients leave such a part out of an address, also if it is encoded
        raise ValueError("it is . or .., which is no part of an address")
    return name


Name: TypeAlias = Annotated[Label, AfterValidator(_usable_name)]
"""The name of a class that a request makes."""


class Schema(BaseModel):
    """What a body or an answer holds."""

    model_config = ConfigDict(defer_build=True)  # most are never used, and to build all takes a while at the start


class Body(Schema):
    """A body whose fields are all known."""

    model_config = ConfigDict(extra="forbid")


def with_example(*fields: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a schema that /docs shows with an example; a second one is for rows of features."""
    return ConfigDict(json_schema_extra={"examples": list(fields)})


ROW: Final[dict[str, float | str]] = {"age": 41, "city": "Lima", "since": "2024-12-31"}
"""A row of features in examples."""


class ImageItem(Body):
    """An image."""

    image: Annotated[bytes, BeforeValidator(_decoded), Field(json_schema_extra={"format": "byte"})] = Field(
        description="The file of the image (JPEG, PNG, WebP, GIF, BMP, TIFF) in base64, or a data URL."
    )


Vector: TypeAlias = Annotated[list[FiniteFloat], Field(min_length=1, fail_fast=True)]


Row: TypeAlias = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "anyOf": [{"$ref": "#/components/schemas/ImageItem"}, {"type": "object"}],
            "description": "An image, or a row of features: the value of each column by its name, null for none.",
        }
    ),
]
ListedRow: TypeAlias = Annotated[list[FiniteFloat | None], Field(min_length=1, fail_fast=True)]
"""A vector, or a row of features that are all numbers, with null for a missing one."""
Item: TypeAlias = str | Row | ListedRow
Items: TypeAlias = Annotated[Many[Item], Field(min_length=1)]


class PredictRequest(Body):
    """Items, and what the answer has for each of them."""

    model_config = with_example(
        {"items": ["I was charged twice"], "proba": True, "top_k": 3}, {"items": [ROW], "proba": True, "top_k": 3}
    )
    items: Items | Item = Field(description="Texts, images, vectors or rows, as the model reads them; one or many.")
    proba: bool = Field(False, description="Whether answers have the probabilities of classes.")
    top_k: int | None = Field(None, ge=1, description="Only the most probable classes; implies `proba`.")
    explain: bool = Field(False, description="Whether answers say why: the nearest labeled examples, and words.")
    unknown: bool | None = Field(
        None,
        description='Whether items that are close to no class are answered "unknown": by default, where the model has '
        "a threshold for it.",
    )


class Neighbor(Schema):
    """A labeled example that is similar to an item."""

    example: str
    label: Label
    cosine: float


class Explanation(Schema):
    """Why an item got its answer."""

    runner_up: Label
    margin: float = Field(description="Probability of the most probable class minus that of the next.")
    matched: str | None = Field(description="The text of the class that is most similar to the item.")
    words: list[str] = Field(description="The words of the class that are most similar to the item.")
    columns: list[str] = Field(description="The columns of a row of features that count most for the answer.")
    analogy: str | None = Field(description="The classes that the answer relies on, if its class has no example.")
    neighbors: list[Neighbor]


class Answer(Schema):
    """The answer for one item."""

    label: Label | None = Field(None, description="Of a model that predicts classes.")
    value: float | None = Field(None, description="Of a model that predicts numbers.")
    tasks: dict[str, Label] | None = Field(None, description="Of a model of several tasks, by their names.")
    proba: dict[str, float] | None = Field(None, description="Only with `proba` or `top_k`; the most probable first.")
    explanation: Explanation | None = Field(None, description="Only with `explain`.")
    cut: bool | None = Field(None, description="True where only the beginning of the text was read.")
    missing: list[str] | None = Field(
        None,
        description="Columns without a value, though each row in `fit` had one: a number or date is then the median. "
        '"text" where the text is what programs write for a missing one, such as NA; its label is a guess.',
    )
    unseen: list[str] | None = Field(
        None, description="Columns with a category that no row in `fit` had, which says nothing of the row."
    )
    outside: list[str] | None = Field(
        None, description="Columns with a number or date so far from those in `fit` that its unit is probably another."
    )


class PredictAnswer(Schema):
    """An answer for each item, all by one version of the model."""

    model_config = with_example(
        {
            "model": "support",
            "version": 7,
            "answers": [{"label": "billing", "proba": {"billing": 0.93, "delivery": 0.04, "login": 0.03}}],
        }
    )
    model: str
    version: int
    answers: list[Answer]


class ClassRequest(Body):
    """A new class."""

    model_config = with_example(
        {"name": "refund", "description": "money back", "examples": ["I want my money back"]},
        {"name": "refund", "examples": [ROW]},
    )
    name: Name
    description: str | Many[str] | Vector | None = Field(
        None, description="A text, several of them, or, if items are vectors, a vector."
    )
    words: Many[str] = Field([], description="Words that the texts of the class contain; ten are enough.")
    examples: Many[Item] = Field([], description="Items of the class.")


class ClassEdit(Body):
    """What is to be changed of a class; a field that is left out stays as it is."""

    model_config = with_example(
        {"name": "refunds", "words": ["money back", "return", "reimbursement"]}, {"name": "refunds"}
    )
    name: Name | None = Field(None, description="Another name.")
    description: str | Many[str] | Vector | None = Field(
        None, description="Replaces the description and words; null leaves the name alone."
    )
    words: Many[str] = Field([], description="Replaces the description and words.")


class MergeRequest(Body):
    """Classes that become one."""

    model_config = with_example({"names": ["billing", "delivery"], "into": "orders"})
    names: Annotated[Many[Label], Field(min_length=2)]
    into: Name = Field(description="A new name, or one of the names.")


class ExamplesRequest(Body):
    """Items with labels."""

    model_config = with_example(
        {"items": ["I paid two times"], "labels": ["billing"]}, {"items": [ROW], "labels": ["billing"]}
    )
    items: Items
    labels: Many[Label] = Field(description="One for each item, each one of the model's classes.")

    @model_validator(mode="after")
    def _check_number(self) -> Self:
        given = [label for label in self.labels if not (isinstance(label, str) and is_blank(label))]
        if not len(given) == len(self.labels) == len(self.items):
            numbers = f"the number of items is {len(self.items)}, that of labels that are not empty {len(given)}"
            raise ValueError(f"{numbers}. Send items without a label to /unlabeled")
        return self


class UnlabeledRequest(Body):
    """Items without labels."""

    model_config = with_example({"items": ["where is my parcel", "reset my password"]}, {"items": [ROW]})
    items: Items


class RollbackRequest(Body):
    """Where to go back to."""

    model_config = with_example({})
    to: int | None = Field(None, ge=1, description="A version; by default, the one before the current one.")


class Changed(Schema):
    """The version that has the change, once it is on disk."""

    model_config = with_example({"version": 8})
    version: int
    warnings: list[str] | None = Field(None, description="Of a class, such as one that looks like another.")


class Column(Schema):
    """A column of the rows of features that a model reads."""

    name: str
    kind: str = Field(description='"number", "date" (2024-12-31), "duration" (1:30:00) or "category" (a text).')
    has_gaps: bool = Field(description="Whether some row had no value there in `fit`; any row may have none.")
    categories: list[str] | None = Field(None, description="What it may hold, if it has categories: the most frequent.")


class ModelFacts(Schema):
    """A served model."""

    name: str
    id: str = Field(description="The name, as OpenAI's clients read it.")
    object: str = "model"
    created: int = 0
    owned_by: str = "anyshot"
    version: int
    items: str = Field(description='What it reads: "text", "image", "vectors", or "table" for rows of features.')
    columns: list[Column] | None = Field(description="What the rows of features have; null for other items.")
    classes: list[Label] = Field(description="Empty if it predicts numbers, or several tasks.")
    n_labels: int | None = Field(description="Labels that it was fitted to, if they can be added.")
    method: str = Field(description="Method, or the type of a model that cannot be changed.")
    can_change: bool
    kept_versions: list[int] = Field(description="Earlier versions that can be rolled back to.")
    problem: str | None = Field(description="Why it answers from memory only, if its folder cannot be used.")


class ModelList(Schema):
    """The served models, once more as OpenAI's clients read them."""

    models: list[ModelFacts]
    object: str = "list"
    data: list[ModelFacts]


class Suggestion(Schema):
    """An item whose label would help."""

    item: Item
    label: Label = Field(description="What the model predicts.")
    proba: float


class Suggestions(Schema):
    """Items that are most useful to label next, the most useful first."""

    model: str
    version: int
    suggestions: list[Suggestion]
    note: str | None = Field(None, description="Why there are none.")


class WrongField(Schema):
    """A field of a body, or a parameter, that is wrong."""

    at: str = Field(description="Where it is, such as items.0.")
    problem: str


class Problem(Schema):
    """What is wrong with a request, or why it cannot be answered now (RFC 9457)."""

    type: str = Field(description="The kind of the problem, such as urn:anyshot:unknown-class.")
    title: str
    status: int
    detail: str = Field(description="What was given, what is needed, and what to do.")
    errors: list[WrongField] | None = Field(None, description="Of a body with wrong fields.")
    max_body: int | None = Field(None, description="Bytes that a body may have, if one has more.")
    error: str | dict[str, str] | None = Field(
        None, description="The same words, where clients of the Open Inference Protocol and of OpenAI read them."
    )


# --- OpenAPI ---

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "Problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""The answers of every route beside its own."""
_DESCRIBED: Final[dict[str, type[Schema]]] = {"ImageItem": ImageItem, "Problem": Problem}
"""Bodies and answers of routes, by their names."""


def described(body: type[Schema] | None = None, answer: type[Schema] | None = None) -> dict[str, Any]:
    """Return the description of a route that reads its body by `read_body`, JSON or a form, and writes its answer."""
    found: dict[str, Any] = {}
    if body is not None:
        found["requestBody"] = {"required": True, "content": _json_of(body)}
    if answer is not None:
        found["responses"] = {"200": {"content": _json_of(answer)}}
    return found


def fields_of(name: str) -> list[str]:
    """Return the fields of a described body by its name, none for another one."""
    return list(_DESCRIBED[name].model_fields) if name in _DESCRIBED else []


def _json_of(schema: type[Schema]) -> dict[str, Any]:
    _DESCRIBED[schema.__name__] = schema
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema.__name__}"}}}


def describe(app: FastAPI, *, needs_token: Callable[[str], bool] | None) -> None:
    """Add the bodies and answers of routes to the description of the application.

    needs_token: returns whether an address needs one; None if none does.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title, version=anyshot_version(), description=app.description, routes=app.routes
            )
            pairs: Any = [(schema, "validation") for schema in _DESCRIBED.values()]
            _, own = models_json_schema(pairs, ref_template="#/components/schemas/{model}")
            found.setdefault("components", {}).setdefault("schemas", {}).update(own["$defs"])
            if needs_token is not None:
                found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                for path, methods in found["paths"].items():
                    for one in methods.values():
                        one["security"] = [{"token": []}] if needs_token(path) else []
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
