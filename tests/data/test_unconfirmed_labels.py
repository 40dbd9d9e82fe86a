"""Labels that nobody confirmed, in an export of the studio or of Prodigy, are no labels."""

import logging

from anyshot.data import read_data

ROWS = "Charged twice,31,billing,,yes\nWhere is it?,40,delivery,0.9,no\n"
HEADER = "text,age,class,confidence,confirmed\n"


def test_answers_that_the_studio_exported_count_as_no_labels_and_no_features(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (path := tmp_path / "a.csv").write_text(HEADER + ROWS)
    assert read_data(path).labels == ["billing", None]
    said = "1 label in 'class' that nobody confirmed ('confirmed' is 'no', first in row 3), counted as no label"
    assert said in caplog.text
    rows = read_data(path, feature_columns="all", label_column="class").items
    assert list(rows.columns) == ["text", "age"]
    assert "columns that the studio added are no features: 'confidence', 'confirmed'" in caplog.text
    path.write_text(
        "Class," + HEADER.replace("class", "studio_class") + ROWS.replace("Charged", "8a,Charged").replace("W", "8b,W")
    )
    assert read_data(path).labels == ["billing", None], "the column Class was there before"
    path.write_text(HEADER + ROWS.replace("no", "perhaps"))  # a table of somebody else
    assert read_data(path).labels == ["billing", "delivery"]


def test_labels_that_were_rejected_in_prodigy_count_as_no_label(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    rows = [
        f'{{"text": "{n}", "label": "x", "answer": "{one}"}}' for n, one in enumerate(("accept", "reject", "ignore"))
    ]
    (path := tmp_path / "a.jsonl").write_text("\n".join(rows))
    assert read_data(path).labels == ["x", None, None]
    assert "2 labels in 'label' that nobody confirmed ('answer' is 'reject', first in line 2)" in caplog.text
    (path := tmp_path / "a.csv").write_text("text,label,answer\na,x,accept\nb,y,maybe\n")  # another tool's column
    assert read_data(path).labels == ["x", "y"]
