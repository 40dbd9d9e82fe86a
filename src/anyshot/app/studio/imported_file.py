"""Check the database of a project that comes from elsewhere: its version, its tables and their values."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from anyshot.app.studio.database import TABLES, reason_to_refuse
from anyshot.app.studio.entries import SENTENCES
from anyshot.app.studio.items import IMAGE_FILE
from anyshot.app.studio.transactions import SUBJECTS, recorded_changes
from anyshot.errors import ProjectError

_ACTIONS: Final = ", ".join(f"'{action}'" for action in SENTENCES)
_IMPOSSIBLE: Final = (
    "select 1 where (select count(*) from project where id = 1 and kind in ('texts', 'images', 'rows')) != 1",
    "select 1 from classes where trim(name) = '' or typeof(position) not in ('real', 'integer') "
    "or case when json_valid(words) then json_type(words) end is not 'object'",
    "select 1 from items where label is not null and label != -1 and label not in (select id from classes)",
    "select 1 from items where (name = '') != (select kind != 'images' from project)",
    "select 1 from items, project where kind = 'rows' and not hidden "
    "and case when json_valid(content) then json_type(content) end is not 'array'",
    "select 1 from batches, project where kind = 'rows' and not hidden "
    "and case when json_valid(item_column) then json_type(item_column) end is not 'object'",
    "select 1 from rows where case when json_valid(cells) then json_type(cells) end is not 'array'",
    "select 1 from batches where case when json_valid(columns) then json_type(columns) end is not 'array'",
    "select 1 from curve where typeof(accuracy) != 'real' or typeof(lower) != 'real' or typeof(upper) != 'real'",
    f"select 1 from history where action not in ({_ACTIONS}) "
    "or datetime(time) is null or case when json_valid(facts) then json_type(facts) end is not 'object'",
)
"""Queries that find a row only in a file that was changed by hand."""


def check_file(file: Path) -> None:
    """Raise ProjectError unless a file from elsewhere is intact, of this version, and consistent."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            reason = reason_to_refuse(*(connection.execute(f"pragma {name}").fetchone()[0] for name in _PRAGMAS))
            intact = connection.execute("pragma quick_check").fetchone()[0] == "ok"
            intact = intact and _tables(connection) == sorted(table.casefold() for table in TABLES)
            intact = intact and not any(connection.execute(query).fetchone() for query in _IMPOSSIBLE)
            intact = intact and _can_be_undone(connection) and _has_own_images(connection)
    except sqlite3.Error as error:
        raise ProjectError(f"{file.name} is not the file of a project: {error}.") from error
    if reason:
        raise ProjectError(f"{file.name} cannot be opened: it {reason}.")
    if not intact:
        raise ProjectError(f"{file.name} is not the file of a project that this version reads, or it is damaged.")


_PRAGMAS: Final = ("application_id", "user_version")


def _tables(connection: sqlite3.Connection) -> list[str]:
    query = "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by sql"
    return [row[0].casefold() for row in connection.execute(query)]


def _can_be_undone(connection: sqlite3.Connection) -> bool:
    """Return whether the recorded changes are of rows that can be undone, in columns that there are."""
    columns = {name: {row[1] for row in connection.execute(f"pragma table_info({name})")} for name in SUBJECTS}
    try:
        for (changes,) in connection.execute("select changes from history"):
            rows, labels = recorded_changes(changes)
            if not all({*(row.before or {}), *(row.after or {})} <= columns[row.table] for row in rows):
                return False
            if not all(type(number) is int for label in labels for number in [*label.items, *_given(label)]):
                return False
    except (ValueError, TypeError, KeyError):
        return False
    return True


def _given(label: Any) -> list[Any]:
    return [one for one in (label.before, label.after) if one is not None]


def _has_own_images(connection: sqlite3.Connection) -> bool:
    """Return whether no item names a file outside the project."""
    query = "select content from items where name != ''"
    return all(IMAGE_FILE.fullmatch(content) for (content,) in connection.execute(query))
