"""The routes that change models. A change is answered by the version that has it, once it is on disk."""

import asyncio
import re
from hashlib import blake2b
from operator import methodcaller
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from starlette.convertors import Convertor, register_url_convertor

from anyshot.app.server.bodies import as_json, read_body, read_items
from anyshot.app.server.changes import AddExamples, AddUnlabeled, Change, adding_class, noting
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.made_requests import ChangeRequest
from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.schemas import (
    Changed,
    ClassEdit,
    ClassRequest,
    ExamplesRequest,
    Item,
    MergeRequest,
    RollbackRequest,
    UnlabeledRequest,
    described,
)
from anyshot.app.server.service import Service, json_answer, service_of
from anyshot.app.server.service_errors import NoSuchClassError, NotSavedError, remedy_for
from anyshot.base.class_words import Words
from anyshot.base.labels import Label
from anyshot.base.messages import nearest
from anyshot.base.written_labels import as_classes_write_them, one_class
from anyshot.errors import ClassesError, DataFileError, InputError

KEY: Final = re.compile(r'"?([!#-~]{1,255})"?')


class ClassName(Convertor[str]):
    """A name at the end of an address, with any characters; a path of the framework holds no line breaks."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """Return the name, whose percent signs are decoded already."""
        return value

    def to_string(self, value: str) -> str:
        """Return the name as it stands in an address that is not encoded yet."""
        return value


register_url_convertor("class", ClassName())  # under this name in the routes below
router = APIRouter(prefix="/v1/models", tags=["changes"])
Parsed = TypeVar("Parsed", bound=BaseModel)


class Target(NamedTuple):
    """The model that a request changes."""

    service: Service
    live: LiveModel
    request: Request
    once: ChangeRequest | None

    async def body(self, schema: type[Parsed]) -> Parsed:
        """Return the body of the request; raise NotChangeableError first if the model cannot be changed."""
        self.live.check_changeable()
        return await read_body(self.request, schema, self.service.settings)

    async def items(self, given: list[Item]) -> list[Any]:
        """Return items as the model takes them."""
        return await read_items(self.request, given, self.live.snapshot, self.service.settings)

    async def change(self, change: Change | RollBack) -> Response:
        """Make a change, and answer once it is on disk."""
        return json_answer({"version": await self.service.change(self.live, change, self.once)})

    async def change_classes(self, change: Change) -> Response:
        """Make a change of classes, and answer once it is on disk, with what it warns of."""
        said: list[str] = []
        version = await self.service.change(self.live, noting(change, said), self.once)
        return json_answer({"version": version, **({"warnings": said} if said else {})})


async def _target(
    model: str,
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="Any text of your own. A request that is sent again with it changes nothing.")
    ] = None,
) -> Target:
    service = service_of(request)
    if request.headers.get("if-match", "*") != "*":
        detail = "There are no entity tags, so no If-Match can hold. Leave it out, and compare the versions in answers."
        raise ProblemError(412, detail)
    once = None if idempotency_key is None else await _change_request(idempotency_key, request)
    return Target(service, service.model(model), request, once)


async def _change_request(key: str, request: Request) -> ChangeRequest:
    """Return a request with its key; raise ProblemError for what cannot be one."""
    found = KEY.fullmatch(key)
    if found is None:
        raise ProblemError(
            400, "The Idempotency-Key must be 1 to 255 characters of ASCII without spaces, such as a UUID."
        )
    start, _, boundary = request.headers.get("content-type", "").partition("boundary=")
    body = await request.body()
    if boundary:  # of the parts of a form, which a client chooses anew each time
        body = body.replace(boundary.strip('"').encode("latin-1"), b"")
    facts = f"{request.method} {request.url.path} {start}\n".encode()
    return ChangeRequest(found[1], blake2b(facts + body, digest_size=16).hexdigest())


OfModel = Annotated[Target, Depends(_target)]


@router.post("/{model}/examples", openapi_extra=described(ExamplesRequest, Changed))
async def add_examples(target: OfModel) -> Response:
    """Learn from labeled items; another label of a text or image replaces its earlier one."""
    given = await target.body(ExamplesRequest)
    labels = as_classes_write_them(given.labels, target.live.snapshot.classes)
    return await target.change(AddExamples(await target.items(given.items), labels))


@router.post("/{model}/unlabeled", openapi_extra=described(UnlabeledRequest, Changed))
async def add_unlabeled(target: OfModel) -> Response:
    """Learn from items without labels, and keep them for suggestions."""
    given = await target.body(UnlabeledRequest)
    version = await target.service.change(target.live, AddUnlabeled(await target.items(given.items)), target.once)
    try:
        await asyncio.to_thread(target.live.unlabeled.add, [as_json(item) for item in given.items])
    except (OSError, DataFileError) as error:
        raise NotSavedError(
            f"The model has learned from the items, by version {version}, but they cannot be kept for suggestions. "
            f"{remedy_for(error.__cause__ or error)} Then send them again."
        ) from error
    return json_answer({"version": version})


@router.post("/{model}/classes", openapi_extra=described(ClassRequest, Changed))
async def add_class(target: OfModel) -> Response:
    """Add a class by a description, words, labeled examples, or all of them."""
    given = await target.body(ClassRequest)
    description = _described(given.description, given.words)
    return await target.change_classes(adding_class(given.name, description, await target.items(given.examples)))


@router.patch("/{model}/classes/{name:class}", openapi_extra=described(ClassEdit, Changed))
async def edit_class(name: str, target: OfModel) -> Response:
    """Give a class another name, another description, or both."""
    given = await target.body(ClassEdit)
    if not given.model_fields_set:
        raise InputError("There is nothing to change. Give name, description or words.")
    description = _described(given.description, given.words)

    def edit(classifier: Any) -> None:
        own = _class_of(classifier, name)
        if {"description", "words"} & given.model_fields_set:
            classifier.describe_class(own, description)
        if given.name is not None:
            classifier.rename_class(own, given.name)

    return await target.change_classes(edit)


@router.post("/{model}/classes/merge", openapi_extra=described(MergeRequest, Changed))
async def merge_classes(target: OfModel) -> Response:
    """Merge classes into one, which has all their labeled examples, descriptions and words."""
    given = await target.body(MergeRequest)
    return await target.change_classes(methodcaller("merge_classes", given.names, given.into))


@router.delete("/{model}/classes/{name:class}", openapi_extra=described(answer=Changed))
async def remove_class(name: str, target: OfModel) -> Response:
    """Remove a class and its labeled examples."""
    return await target.change(lambda classifier: classifier.remove_class(_class_of(classifier, name)))


@router.post("/{model}/rollback", openapi_extra=described(RollbackRequest, Changed))
async def roll_back(target: OfModel) -> Response:
    """Go back to an earlier version, which becomes the next version."""
    given = await target.body(RollbackRequest)
    return await target.change(RollBack(given.to))


def _class_of(classifier: Any, name: str) -> Label:
    """Return the class that an address names, in the type of the model's classes; raise NoSuchClassError if none.

    Another client may have removed it before: only the model that is changed has the classes.
    """
    classes = classifier.classes_.tolist()
    try:
        found = one_class(name, classes)
    except ClassesError as error:
        raise NoSuchClassError(str(error)) from error
    if found not in classes:
        listed = ", ".join(map(str, classes[:20])) + (", ..." if len(classes) > 20 else "")
        hint = "" if (near := nearest(name, classes)) is None else f" Did you mean {near!r}?"
        raise NoSuchClassError(f"The model has no class {name!r}. Its classes: {listed}.{hint}")
    return found


def _described(description: Any, words: list[str]) -> Any:
    """Return a description with its words."""
    if not words:
        return description
    texts = [description] if isinstance(description, str) else list(description or [])
    return [*texts, Words(words)]
