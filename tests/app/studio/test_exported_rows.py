"""The exported table: the rows that were added, with their classes."""

from anyshot.app.studio import Answers, Project, add_table, add_texts
from anyshot.app.studio.exported_rows import exported_rows, item_column


def test_rows_of_several_files_keep_their_columns_and_get_those_of_the_page(tmp_path):
    (tmp_path / "a.csv").write_text("message,class\nCharged twice,old\n,old\nCharged twice,old\n")
    with Project.create(tmp_path / "mail", name="Mail") as project:
        assert item_column(project) is None
        add_table(project, tmp_path / "a.csv", text_column="message")
        add_texts(project, ["Where is it?"])
        project.label([1], project.classes.add("billing"))
        table = exported_rows(project, Answers(project, start=False))
        assert item_column(project) == "message"
        assert table.columns.tolist() == ["message", "class", "text", "studio_class", "confidence", "confirmed"]
        assert table["message"].tolist() == ["Charged twice", "", "Charged twice", None]
        assert table["text"].tolist() == [None, None, None, "Where is it?"]
        assert table["studio_class"].tolist() == ["billing", None, "billing", None]
        assert table["confirmed"].tolist() == ["yes", "no", "yes", "no"]
        project.undo(to=0)
        assert len(exported_rows(project, Answers(project, start=False))) == 0
