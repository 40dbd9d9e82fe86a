"""The command line: what each command prints, writes and answers; its exit codes; the texts of its errors."""

import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import anyshot
from anyshot import cli
from anyshot.cli.printing import plain

TRAIN = [
    ("I was charged twice", "billing"), ("send me an invoice", "billing"), ("wrong amount on my card", "billing"),
    ("where is my parcel", "delivery"), ("the courier never came", "delivery"), ("my package is late", "delivery"),
    ("I forgot my password", "login"), ("cannot sign in", "login"), ("my account is locked", "login"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def own_cache(one_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANYSHOT_CACHE", str(one_cache))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write data and a model once."""
    folder = tmp_path_factory.mktemp("made")
    table = pd.DataFrame(TRAIN, columns=["text", "label"])
    table.to_csv(folder / "train.csv", index=False)
    table[["text"]].to_csv(folder / "texts.csv", index=False)
    table[["text"]].assign(target=0.5, topic="?").to_csv(folder / "measured.csv", index=False)
    table.assign(label=table["label"].map({"billing": 0, "delivery": 1, "login": 2})).to_csv(
        folder / "numbers.csv", index=False
    )
    assert cli.run(["fit", str(folder / "train.csv"), "--out", str(folder / "model")]) == 0
    return folder


@pytest.fixture
def model(made, tmp_path):
    """Return a copy of the model that a test may change."""
    anyshot.load(made / "model").save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def call(capsys):
    """Run a command in this process; return its code, its rows and what it said beside them."""

    def called(*arguments):
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        rows = [json.loads(line) for line in said.out.splitlines() if line.startswith("{")]
        return SimpleNamespace(code=code, rows=rows, out=said.out, err=said.err)

    return called


def process(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "anyshot", *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


# --- predict --------------------------------------------------------------------------------------------------------


def test_predict_answers_from_class_names_alone(call):
    done = call("predict", "I was charged twice", "where is my parcel", "--classes", "billing,delivery")
    assert done.code == 0
    assert [row["label"] for row in done.rows] == ["billing", "delivery"]
    assert list(done.rows[0]) == ["label", "probability", "item"]
    assert done.err == ""


def test_predict_answers_as_the_model_does(call, made):
    done = call("predict", made / "texts.csv", "--model", made / "model")
    clf = anyshot.load(made / "model")
    texts = [text for text, _ in TRAIN]
    assert [row["label"] for row in done.rows] == clf.predict(texts).tolist()
    assert [row["probability"] for row in done.rows] == pytest.approx(clf.predict_proba(texts).max(axis=1))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predict_writes_the_same_rows_to_a_file(call, made, tmp_path, suffix):
    out = tmp_path / f"answers{suffix}"
    done = call("predict", made / "texts.csv", "--model", made / "model", "--out", out)
    assert (done.code, done.out) == (0, "")
    read = {".csv": pd.read_csv, ".jsonl": lambda p: pd.read_json(p, lines=True), ".parquet": pd.read_parquet}
    assert read[suffix](out)["item"].tolist() == [text for text, _ in TRAIN]


def test_texts_that_are_cut_are_counted_on_the_standard_error(call, tmp_path):
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": "parcel " * 400}) + "\n")
    done = call("predict", tmp_path / "long.jsonl", "--classes", "billing,delivery")
    assert (done.code, len(done.rows)) == (0, 1)
    assert "Note: 1 of 1 texts are longer than 256 tokens and were cut there." in done.err


def test_predict_takes_image_files(call, tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    done = call("predict", tmp_path / "red.png", "--classes", "tomato,ocean")
    assert done.rows[0]["label"] == "tomato"
    assert done.rows[0]["item"] == str(tmp_path / "red.png")


def test_predict_reads_a_text_a_line_from_the_standard_input(call, made, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("cannot sign in\n\nwhere is my parcel\n"))
    assert [row["label"] for row in call("predict", "-", "--model", made / "model").rows] == ["login", "delivery"]


def test_a_text_with_line_ends_and_markup_is_one_row(call, made):
    text = "cannot\tsign in\n[bold]now[/bold] é"
    done = call("predict", text, "--model", made / "model")
    assert done.out.count("\n") == 1
    assert done.rows[0]["item"] == text


def test_in_a_terminal_the_answers_are_a_table(made, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    page = Terminal()
    monkeypatch.setattr(sys, "stdout", page)
    assert cli.run(["predict", "cannot sign in [now]", "--model", str(made / "model")]) == 0
    assert "probability" in page.getvalue()
    assert "cannot sign in [now]" in page.getvalue()
    assert "{" not in page.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "Give either --classes or --model"),
        (["a", "--classes", "x,y", "--model", "m"], "Give either --classes or --model"),
        (["a", "--model", "m", "--encoder", "minilm"], "a model has its own"),
        (["a", "--classes", "x,y", "--text-column", "t"], "no table was given"),
        ([], "Missing argument"),
        (["a", "--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2(call, arguments, said):
    done = call("predict", *arguments)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "--classes", "x"], "At least two classes are needed; only 'x' was given."),
        (["a", "--classes", "x,x"], "Class 'x' is named 2 times."),
        (["", "--classes", "x,y"], "The text in row 0 is empty."),
        (["missing.csv", "--classes", "x,y"], "There is no file missing.csv."),
        (["a", "--classes", "missing.txt"], "There is no file or folder missing.txt."),
        (["a", "--classes", "x,y", "--encoder", "minilmm"], "Did you mean 'minilm'?"),
        (["a", "--classes", "x,y", "--out", "a.xlsx"], "its name must end in one of .csv, .jsonl, .parquet."),
        (["a", "--model", "nowhere"], "There is no folder"),
    ],
)
def test_a_problem_with_data_or_model_ends_with_1_and_one_message(call, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    done = call("predict", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_empty_file_and_a_file_among_texts_are_refused(call, made, tmp_path):
    (tmp_path / "empty.csv").touch()
    done = call("predict", tmp_path / "empty.csv", "--model", made / "model")
    assert (done.code, "is empty" in done.err) == (1, True)
    assert call("predict", "text", made / "texts.csv", "--model", made / "model").code == 2


# --- fit and what a model answers -------------------------------------------------------------------------------------


def test_fit_says_what_it_learned_and_why(call, made, tmp_path):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m")
    (facts,) = done.rows
    assert (facts["classes"], facts["labels"]) == (3, 9)
    assert facts["method"] == anyshot.load(tmp_path / "m").method_
    assert facts["reasons"]


def test_fit_learns_from_data_without_labels_where_classes_are_named(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--classes", "billing,delivery,login", "--out", tmp_path / "m")
    assert done.code == 0
    assert done.rows[0]["labels"] == 0
    assert "learned from as unlabelled items" in done.err


def test_fit_without_labels_and_classes_names_both_remedies(call, made, tmp_path):
    done = call("fit", made / "texts.csv", "--out", tmp_path / "m")
    assert done.code == 1
    assert "--label-column" in done.err
    assert "--classes" in done.err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--label-column", "lable"], "Did you mean 'label'?"),
        (["--classes", "biling,delivery,login"], "Did you mean 'biling'?"),
        (["--unknown-rate", "2"], "unknown_rate must lie between 0 and 1"),
        (["--unknown-rate", "0.01"], "needs at least 100 labelled or unlabelled items"),
        (["--text-column", "text", "--image-column", "text"], "not both"),
    ],
)
def test_fit_refuses_what_cannot_be_meant(call, made, tmp_path, options, said):
    done = call("fit", made / "train.csv", "--out", tmp_path / "m", *options)
    assert (done.code, said in done.err) == (1, True), done.err


def test_an_integer_column_and_class_names_on_the_line_are_brought_together(call, made, tmp_path):
    assert call("fit", made / "numbers.csv", "--classes", "0,1,2", "--out", tmp_path / "m").code == 0
    assert anyshot.load(tmp_path / "m").classes_.tolist() == ["0", "1", "2"]
    assert call("evaluate", tmp_path / "m", made / "numbers.csv").rows[0]["accuracy"] > 0.9


def test_a_model_of_integer_classes_understands_names_on_the_line(call, made, tmp_path):
    assert call("fit", made / "numbers.csv", "--out", tmp_path / "m").code == 0
    assert call("add-class", tmp_path / "m", "3", "--example", "are you hiring?").code == 0
    assert call("remove-class", tmp_path / "m", "0").code == 0
    assert anyshot.load(tmp_path / "m").classes_.tolist() == [1, 2, 3]
    done = call("add-class", tmp_path / "m", "hiring", "--example", "are you hiring?")
    assert (done.code, "whole numbers" in done.err) == (1, True)


def test_evaluate_tells_the_accuracy(call, made):
    (facts,) = call("evaluate", made / "model", made / "train.csv").rows
    expected = anyshot.load(made / "model").score([text for text, _ in TRAIN], [label for _, label in TRAIN])
    assert facts["accuracy"] == expected
    assert {row["class"] for row in facts["per_class"]} == {"billing", "delivery", "login"}


def test_evaluate_needs_labels(call, made):
    done = call("evaluate", made / "model", made / "texts.csv")
    assert (done.code, "--label-column" in done.err) == (1, True)


def test_explain_shows_the_nearest_examples(call, made):
    done = call("explain", made / "model", "cannot sign in", "-k", "2")
    assert done.rows[0]["label"] == "login"
    assert done.rows[0]["neighbours"][0]["example"] == "cannot sign in"
    assert len(done.rows[0]["neighbours"]) == 2


def test_suggest_names_rows_of_the_data(call, made):
    done = call("suggest", made / "model", made / "texts.csv", "-n", "3", "--seed", "0")
    assert len({row["row"] for row in done.rows}) == 3
    assert all(TRAIN[row["row"]][0] == row["item"] for row in done.rows)


def test_columns_that_may_be_labels_do_not_matter_where_none_are_needed(call, made, tmp_path):
    texts = [text for text, _ in TRAIN]
    data = made / "measured.csv"
    for arguments in (["predict", data, "--model", made / "model"], ["explain", made / "model", data]):
        assert [row["item"] for row in call(*arguments).rows] == texts
    assert len(call("suggest", made / "model", data, "-n", "2").rows) == 2
    assert call("fit", made / "train.csv", "--unlabeled", data, "--out", tmp_path / "m").code == 0
    done = call("fit", data, "--classes", "billing,login", "--out", tmp_path / "n")
    assert (done.code, "several columns" in done.err) == (1, True)


def test_a_class_is_added_from_a_file_and_the_line_and_removed_again(call, made, model, tmp_path):
    table = pd.DataFrame([("are you hiring?", "hiring"), ("a parcel", "delivery")], columns=["text", "label"])
    table.to_csv(tmp_path / "more.csv", index=False)
    done = call("add-class", model, "hiring", "--examples", tmp_path / "more.csv", "--example", "I seek a job")
    assert (done.code, "with 2 examples" in done.err) == (0, True)
    assert call("predict", "I seek a job", "--model", model).rows[0]["label"] == "hiring"
    assert call("remove-class", model, "hiring").code == 0
    assert anyshot.load(model).classes_.tolist() == anyshot.load(made / "model").classes_.tolist()


def test_add_class_refuses_a_file_in_which_the_class_does_not_occur(call, made, model):
    done = call("add-class", model, "hiring", "--examples", made / "train.csv")
    assert (done.code, "none of them is 'hiring'" in done.err) == (1, True)


def test_remove_class_proposes_the_nearest_name_and_changes_nothing(call, model):
    done = call("remove-class", model, "biling")
    assert (done.code, "Did you mean 'billing'?" in done.err) == (1, True)
    assert "billing" in anyshot.load(model).classes_


def test_a_tampered_model_is_refused(call, model):
    with next(model.glob("*.safetensors")).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    done = call("predict", "a", "--model", model)
    assert (done.code, "its digest differs" in done.err) == (1, True)


# --- vectors, curves, this machine ----------------------------------------------------------------------------------


def test_a_trained_network_answers_and_what_it_has_not_is_named(call, made, tmp_path):
    texts, labels = zip(*TRAIN, strict=True)
    anyshot.FineTunedClassifier("minilm", method="probe").fit(list(texts), list(labels)).save(tmp_path / "network")
    answered = call("predict", made / "texts.csv", "--model", tmp_path / "network")
    assert [row["label"] for row in answered.rows] == list(labels)
    assert call("evaluate", tmp_path / "network", made / "train.csv").rows[0]["accuracy"] == 1
    assert "3 classes, told by a trained network" in call("card", tmp_path / "network").out
    refused = call("explain", tmp_path / "network", "where is it")
    assert refused.code == 1
    assert "holds a model of kind FineTunedClassifier, which has no explain" in refused.err


def test_a_regressor_is_measured_in_python(call, made, tmp_path):
    anyshot.AnyShotRegressor().fit(np.eye(4), np.arange(4.0)).save(tmp_path / "numbers")
    for command in (["predict", made / "texts.csv", "--model"], ["card"]):
        refused = call(*command, tmp_path / "numbers")
        assert (refused.code, refused.out) == (1, "")
        assert "AnyShotRegressor" in refused.err


def test_encode_writes_vectors_that_open_without_pickle(call, made, tmp_path):
    assert call("encode", made / "train.csv", "--out", tmp_path / "v.npz").code == 0
    with np.load(tmp_path / "v.npz", allow_pickle=False) as file:
        assert np.linalg.norm(file["vectors"], axis=1) == pytest.approx(np.ones(9), abs=1e-5)
        assert file["labels"].tolist() == [label for _, label in TRAIN]
        assert file["items"][0] == TRAIN[0][0]
        assert str(file["encoder"]) == "minilm"
    assert [path.name for path in tmp_path.iterdir()] == ["v.npz"]


def test_encode_looks_for_no_labels_where_none_are_wanted(call, made, tmp_path):
    done = call("encode", made / "measured.csv", "--out", tmp_path / "v.npz")
    assert (done.code, "several columns" in done.err) == (1, True)
    for name in ("measured.csv", "train.csv"):
        assert call("encode", made / name, "--no-labels", "--out", tmp_path / "v.npz").code == 0
        with np.load(tmp_path / "v.npz", allow_pickle=False) as file:
            assert sorted(file) == ["encoder", "items", "vectors"]


@pytest.mark.parametrize("name", ["v.csv", "nowhere/v.npz"])
def test_encode_says_where_it_cannot_write(call, made, tmp_path, name):
    done = call("encode", made / "train.csv", "--out", tmp_path / name)
    assert (done.code, "cannot be written" in done.err) == (1, True)


def test_curve_measures_both_models_and_draws_them(call, made, tmp_path):
    done = call("curve", made / "train.csv", "--draws", "1", "--out", tmp_path / "curve.png")
    assert done.code == 0
    (facts,) = done.rows
    assert (facts["n_test"], facts["seed"]) == (3, 0)
    assert {row["model"] for row in facts["scores"]} == {"anyshot", "logistic regression"}
    assert [row["shots"] for row in facts["scores"] if row["model"] == "anyshot"] == [0, 1, "all"]
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG"


def test_curve_needs_labels_and_a_picture_s_suffix(call, made):
    assert "--label-column" in call("curve", made / "texts.csv").err
    assert "must end in .png" in call("curve", made / "train.csv", "--out", "curve.txt").err


def test_models_lists_the_encoders(call):
    names = ["minilm", "efficientnet-lite0", "efficientnet-lite0-even", "hf:", "keras:"]
    assert [row["name"] for row in call("models").rows] == names


def test_the_cache_is_shown_and_cleared(call, made, tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    call("predict", "cannot sign in", "--model", made / "model")
    assert call("cache").rows[0]["vectors"] >= 1
    assert call("cache", "--clear").rows[0]["vectors"] == 0


def test_tune_says_what_it_tried_and_writes_the_model(call, made, tmp_path):
    done = call("tune", made / "train.csv", "--budget", "0.001", "--out", tmp_path / "tuned")
    assert done.code == 0
    assert any("Fine-tuning was not tried" in reason for reason in done.rows[0]["reasons"])
    assert (tmp_path / "tuned" / "model.json").is_file()
    assert "budget must be 'fast', 'best'" in call("tune", made / "train.csv", "--budget", "soon", "--out", "x").err
    assert "has no labels, and fine-tuning needs them" in call("tune", made / "texts.csv", "--out", "x").err


# --- the program ----------------------------------------------------------------------------------------------------


def test_the_version_is_the_package_s(call):
    assert call("--version").out == f"anyshot {anyshot.__version__}\n"


@pytest.mark.parametrize("command", sorted(cli._COMMANDS))
def test_every_command_s_help_ends_with_an_example(call, command):
    done = call(command, "--help")
    assert done.code == 0
    assert f"anyshot {command}" in done.out[done.out.index("Example") :]


def test_a_warning_is_one_line_without_its_source(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with cli._warnings_in_a_line():
            warnings.warn("two classes are alike", stacklevel=1)
    assert capsys.readouterr().err == "Warning: two classes are alike\n"


def test_json_holds_no_nan_and_no_numpy():
    given = {"a": np.float32(0.5), "b": [float("nan"), np.int64(3)], "c": Path("x"), 4: (True, None)}
    assert plain(given) == {"a": 0.5, "b": [None, 3], "c": "x", "4": [True, None]}


def test_the_console_script_answers_in_a_pipe_without_colour(made):
    done = process("predict", "cannot sign in", "--model", made / "model")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["label"] == "login"


def test_the_console_script_ends_with_1_and_no_traceback(made, tmp_path):
    done = process("predict", tmp_path / "missing.csv", "--model", made / "model")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_problem_and_no_traceback():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "anyshot", "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")


def test_a_reader_that_leaves_ends_the_program_silently():
    with subprocess.Popen(
        [sys.executable, "-m", "anyshot", "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, b"")


def test_help_loads_nothing_heavy():
    heavy = (
        "import sys, anyshot.cli; print([m for m in ('torch', 'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_interrupt_ends_with_130(made, monkeypatch, capsys):
    class Interrupting(io.StringIO):
        def __iter__(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupting())
    assert cli.run(["predict", "-", "--model", str(made / "model")]) == 130
    assert "Traceback" not in capsys.readouterr().err


# --- what is told to others -------------------------------------------------------------------------------------------


def test_report_writes_one_page_with_the_groups_and_what_was_learned_from(call, made, tmp_path):
    page = tmp_path / "report.html"
    done = call("report", made / "model", made / "train.csv", "--out", page, "--train", made / "train.csv")
    assert done.code == 0
    assert done.rows[0]["report"] == str(page)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "must end in .html" in call("report", made / "model", made / "train.csv", "--out", "report.pdf").err
    assert "has no labels to compare" in call("report", made / "model", made / "texts.csv").err


def test_report_says_what_is_not_in_it_and_how_to_get_it(call, made, tmp_path):
    page = tmp_path / "report.html"
    done = call("report", made / "model", made / "train.csv", "--out", page)
    assert "--train DATA" in done.rows[0]["missing"]["curve"]
    assert "Not in it: For whom it works" in done.err
    assert "--group-column NAME" in done.err


def test_report_takes_rows_without_a_label_as_those_to_label_next_and_a_column_as_groups(call, made, tmp_path):
    table = pd.DataFrame([*TRAIN, ("is it paid", None), ("who has my parcel", None)], columns=["text", "label"])
    table.to_csv(tmp_path / "learned.csv", index=False)
    table.head(9).assign(site=[*"aaaabbbb", None]).to_csv(tmp_path / "test.csv", index=False)
    page = tmp_path / "report.html"
    done = call(
        "report", made / "model", tmp_path / "test.csv", "--out", page, "--train", tmp_path / "learned.csv",
        "--group-column", "site",
    )  # fmt: skip
    assert "next" not in done.rows[0]["missing"]
    shown = page.read_text(encoding="utf-8")
    assert "is it paid" in shown
    assert "not given" in shown
    wrong = call("report", made / "model", tmp_path / "test.csv", "--out", page, "--group-column", "town")
    assert "The groups of --group-column town cannot be read" in wrong.err


def test_report_on_a_model_that_names_no_classes_says_where_it_can_be_measured(call, made, tmp_path):
    anyshot.AnyShotRegressor().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).save(tmp_path / "numbers")
    done = call("report", tmp_path / "numbers", made / "train.csv")
    assert done.code == 1
    assert "of kind AnyShotRegressor, which names no classes. Measure it in Python" in done.err


def test_card_tells_of_a_model_and_how_good_it_is(call, made, tmp_path):
    bare = call("card", made / "model").out
    assert bare.startswith("---\nlibrary_name: anyshot")
    measured = call("card", made / "model", "--data", made / "train.csv").out
    assert "accuracy" in measured
    assert "train.csv" in measured
    call("card", made / "model", "--out", tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text(encoding="utf-8").strip() == bare.strip()
