"""Reading and writing tables, image folders and class attributes; example data."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ClassAttributes": "anyshot.data.attributes",
    "ColumnNames": "anyshot.data.item_columns",
    "Dataset": "anyshot.data.datasets",
    "FeatureTable": "anyshot.data.feature_table",
    "TableVectors": "anyshot.data.table_vectors",
    "ZeroShotDataset": "anyshot.data.xlsa17",
    "as_listed": "anyshot.data.item_columns",
    "as_rows": "anyshot.data.feature_columns",
    "cells_of_rows": "anyshot.data.row_objects",
    "columns_read": "anyshot.data.row_objects",
    "data_of_folder": "anyshot.data.datasets",
    "data_of_table": "anyshot.data.datasets",
    "example_row": "anyshot.data.row_objects",
    "fit_features": "anyshot.data.feature_table",
    "feature_rows": "anyshot.data.feature_columns",
    "few_per_class": "anyshot.data.datasets",
    "from_numbers": "anyshot.data.column_kinds",
    "has_column": "anyshot.data.item_columns",
    "image_fault": "anyshot.data.image_folders",
    "is_class_file": "anyshot.data.class_names",
    "is_missing_number": "anyshot.data.feature_columns",
    "likely_class_column": "anyshot.data.feature_columns",
    "likely_kind": "anyshot.data.column_kinds",
    "listed_classes": "anyshot.data.class_names",
    "listed_names": "anyshot.data.item_columns",
    "load_attributes": "anyshot.data.attributes",
    "load_xlsa17": "anyshot.data.xlsa17",
    "messages": "anyshot.data.datasets",
    "missing_column": "anyshot.data.item_columns",
    "named_class_column": "anyshot.data.feature_columns",
    "plain_kind": "anyshot.data.column_kinds",
    "read_classes": "anyshot.data.class_lists",
    "read_data": "anyshot.data.datasets",
    "read_numbers": "anyshot.data.column_kinds",
    "read_table": "anyshot.data.tables",
    "remarks_on_row": "anyshot.data.row_objects",
    "table_of_rows": "anyshot.data.row_objects",
    "texts_of_folder": "anyshot.data.text_folders",
    "with_columns_of": "anyshot.data.table_writing",
    "write_table": "anyshot.data.table_writing",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
