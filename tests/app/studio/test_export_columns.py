"""A table that was exported is known again by the columns that the export added."""

from anyshot.app.studio import add_table, preview


def test_only_confirmed_classes_of_an_exported_table_are_labels_when_it_is_added(project, written):
    rows = "Charged twice,31,billing,,yes\nWhere is it?,40,delivery,0.9,no\n"
    table = written(f"text,age,class,confidence,confirmed\n{rows}")
    found = preview(table)
    assert "is an answer of the studio, and no label" in found.notes[0]
    assert {one.name for one in found.features if one.is_proposed} == {"text", "age"}
    assert add_table(project, table, label_column="class").new_classes == ["billing", "delivery"]
    assert [item.label for item in project.items.get([1, 2])] == [1, None]
    other = written(f"text,age,class,confidence,confirmed\n{rows.replace('no', 'perhaps')}", "other.csv")
    assert preview(other).notes == []  # a table of somebody else
