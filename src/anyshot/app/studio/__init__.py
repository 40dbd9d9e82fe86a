"""The studio: projects of items, classes and labels for people who do not program; the page shows what is here."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Added": "anyshot.app.studio.adding",
    "Answers": "anyshot.app.studio.answers",
    "Preview": "anyshot.app.studio.previews",
    "Project": "anyshot.app.studio.project",
    "Query": "anyshot.app.studio.views",
    "add_images": "anyshot.app.studio.adding_images",
    "add_rows": "anyshot.app.studio.adding_rows",
    "add_table": "anyshot.app.studio.adding_texts",
    "add_texts": "anyshot.app.studio.adding_texts",
    "counts": "anyshot.app.studio.views",
    "default_root": "anyshot.app.studio.project",
    "folder_for": "anyshot.app.studio.project",
    "groups": "anyshot.app.studio.views",
    "import_project": "anyshot.app.studio.archive",
    "is_exported": "anyshot.app.studio.archive",
    "is_zip_of_images": "anyshot.app.studio.archive",
    "list_projects": "anyshot.app.studio.project",
    "order": "anyshot.app.studio.views",
    "preview": "anyshot.app.studio.previews",
    "removed_projects": "anyshot.app.studio.project",
    "restore_project": "anyshot.app.studio.project",
    "remove_project": "anyshot.app.studio.project",
    "project_from_copy": "anyshot.app.studio.archive",
    "project_from_model": "anyshot.app.studio.archive",
    "python_code": "anyshot.app.studio.exports",
    "rows": "anyshot.app.studio.views",
    "sample": "anyshot.app.studio.samples",
    "save_model": "anyshot.app.studio.exports",
    "save_model_zip": "anyshot.app.studio.exports",
    "save_onnx_zip": "anyshot.app.studio.exports",
    "save_project": "anyshot.app.studio.archive",
    "save_report": "anyshot.app.studio.exports",
    "save_table": "anyshot.app.studio.exports",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
