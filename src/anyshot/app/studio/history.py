"""The history of a project: what was done, and how it is undone and done again."""

import json

from anyshot.app.studio.database import ProjectDatabase
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.transactions import Row
from anyshot.errors import InputError


class History:
    """What was done to a project, the newest last; it is read and undone from the end."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database

    def entries(self, *, limit: int = 100) -> list[Entry]:
        """Return what was done, the newest first."""
        found = self._database.read(
            "select id, time, action, facts, undone from history order by id desc limit ?", limit
        )
        return [_entry(row) for row in found]

    def entry(self, number: int) -> Entry:
        """Return one entry; raise InputError if there is none of this number."""
        found = self._database.read("select id, time, action, facts, undone from history where id = ?", number)
        if not found:
            raise InputError(f"The history has no entry {number}.")
        return _entry(found[0])

    def last(self) -> Entry | None:
        """Return what `undo` would undo, None if there is nothing."""
        found = self._database.column("select id from history where not undone order by id desc limit 1")
        return self.entry(found[0]) if found else None

    def undo(self, entry: int | None = None, *, to: int | None = None) -> list[Entry]:
        """Undo the last change, or all that came after the entry `to` (0 for all), and return what was undone.

        entry: the change that is meant, so that a request that is sent twice undoes it once; InputError if others came
        after it, which have to be undone before, or if there is no entry `to`.
        """
        with self._database.transaction() as transaction:
            query = "select * from history where not undone and id > ? order by id desc limit ?"
            found = transaction.read(query, to or 0, 1 if to is None else -1)
            if to and not transaction.read("select id from history where id = ?", to):
                raise InputError(f"The history has no change {to}. Give the id of one that is listed, or 0 for all.")
            if to is None and entry is not None and [row["id"] for row in found] != [entry]:
                if transaction.read("select id from history where not undone and id = ?", entry):
                    raise InputError("Other changes came after this one. Undo them first, or go back in the history.")
                found = []
            for row in found:
                transaction.revert(row["changes"])
                transaction.connection.execute("update history set undone = 1 where id = ?", (row["id"],))
            if found:
                transaction.mark_changed(*transaction.subjects(), "history")
        self._database.notify()
        return [self.entry(row["id"]) for row in found]

    def redo(self) -> Entry | None:
        """Make the last change again that was undone, unless something else was done since; return its entry."""
        with self._database.transaction() as transaction:
            found = transaction.read(
                "select * from history where id = (select min(id) from history where undone = 1 and id > "
                "(select coalesce(max(id), 0) from history where not undone))"
            )
            for row in found:
                transaction.repeat(row["changes"])
                transaction.connection.execute("update history set undone = 0 where id = ?", (row["id"],))
                transaction.mark_changed(*transaction.subjects(), "history")
        self._database.notify()
        return self.entry(found[0]["id"]) if found else None


def _entry(row: Row) -> Entry:
    return Entry(row["id"], row["time"], row["action"], json.loads(row["facts"]), bool(row["undone"]))
