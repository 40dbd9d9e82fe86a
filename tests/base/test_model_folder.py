import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from anyshot.base.model_folder import FORMAT, RUNS_CODE, _digest_of, check_replaceable, read_model, write_model
from anyshot.errors import InputError, ModelFolderError

ARRAYS = {"weights": np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)}


def write(folder: Path, name: str = "old") -> Path:
    write_model(folder, facts={"name": name}, arrays=ARRAYS, card=f"# {name}\n")
    return folder


def change(folder: Path, **changes: object) -> None:
    """Change model.json and its digest, as another program could."""
    document = json.loads((folder / "model.json").read_text()) | changes
    document["digest"] = _digest_of(document)
    (folder / "model.json").write_text(json.dumps(document))


def test_a_model_is_read_as_it_was_written(tmp_path):
    model = read_model(write(tmp_path / "model"))
    assert model.facts == {"name": "old"}
    assert model.arrays["weights"].dtype == np.float32
    np.testing.assert_array_equal(model.arrays["weights"], ARRAYS["weights"])
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "arrays.safetensors",
        "model.json",
    ]
    assert (tmp_path / "model" / "README.md").read_text() == "# old\n"


def test_facts_keep_types_and_order(tmp_path):
    facts = {
        "z": np.float32(0.5),
        "count": np.int64(3),
        "sure": np.bool_(True),
        "names": np.array(["später", "b", "\udcff"]),
        "numbers": np.array([10, 2]),
        "mixed": np.array(["1", 1, True, None], dtype=object),
        "nested": {"b": (1, 2.0), "a": []},
    }
    write_model(tmp_path / "model", facts=facts, arrays={}, card="")
    back = read_model(tmp_path / "model").facts
    assert back == {
        "z": 0.5,
        "count": 3,
        "sure": True,
        "names": ["später", "b", "\udcff"],
        "numbers": [10, 2],
        "mixed": ["1", 1, True, None],
        "nested": {"b": [1, 2.0], "a": []},
    }
    assert list(back) == list(facts)
    assert list(back["nested"]) == ["b", "a"]
    kinds = {name: type(value) for name, value in back.items()}
    assert kinds == {"z": float, "count": int, "sure": bool, "names": list, "numbers": list, "mixed": list} | {
        "nested": dict
    }
    assert [type(value) for value in back["mixed"]] == [str, int, bool, type(None)]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(8)[::2],
        np.array(2.5),
        np.zeros((0, 3), dtype=np.float32),
        np.array([True, False]),
        np.arange(3, dtype=">f4"),
    ],
    ids=["transposed", "strided", "scalar", "empty", "bools", "other byte order"],
)
def test_arrays_of_every_memory_layout_are_read_back_equal(tmp_path, array):
    write_model(tmp_path / "model", facts={}, arrays={"a": array}, card="")
    back = read_model(tmp_path / "model").arrays["a"]
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"a": [1.0, float("nan")]}, r"facts\['a'\]\[1\] is nan"),
        ({"a": np.float32(np.inf)}, r"facts\['a'\] is inf"),
        ({"a": {1: "x"}}, r"facts\['a'\] has the key 1"),
        ({"a": {1, 2}}, r"facts\['a'\] is a set"),
        ({"a": b"raw"}, r"facts\['a'\] is a bytes"),
    ],
)
def test_facts_that_json_cannot_store_are_refused_before_anything_is_written(tmp_path, facts, message):
    with pytest.raises(InputError, match=message):
        write_model(tmp_path / "model", facts=facts, arrays={}, card="")
    assert not list(tmp_path.iterdir())


def test_an_array_of_names_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"arrays\['names'\] has dtype <U1.*into facts"):
        write_model(tmp_path / "model", facts={}, arrays={"names": np.array(["a", "b"])}, card="")


def test_a_second_write_replaces_the_first_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "model")
    write(tmp_path / "model", "new")
    assert read_model(tmp_path / "model").facts["name"] == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_missing_parents_are_created_and_an_empty_folder_is_used(tmp_path):
    assert read_model(write(tmp_path / "a" / "b")).facts["name"] == "old"
    (tmp_path / "empty").mkdir()
    assert read_model(write(tmp_path / "empty")).facts["name"] == "old"


def test_a_link_to_a_model_folder_is_followed_when_writing(tmp_path):
    write(tmp_path / "model")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert read_model(tmp_path / "model").facts["name"] == "new"


def test_a_folder_of_other_files_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelFolderError, match=r"not empty and has no model.*Nothing was written"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_model_folder_with_other_files_is_not_overwritten(tmp_path):
    write(tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"other files: notes\.txt.*Saving would delete them"):
        write(tmp_path / "model", "new")
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    assert read_model(tmp_path / "model").facts["name"] == "old"


def test_a_file_instead_of_a_folder_is_refused(tmp_path):
    (tmp_path / "model").write_text("x")
    with pytest.raises(ModelFolderError, match=r"is a file\. Choose another name"):
        write(tmp_path / "model")
    with pytest.raises(ModelFolderError, match=r"is a file\. Give the folder"):
        read_model(tmp_path / "model")


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelFolderError, match=r"cannot be written to .*file/model: .*choose another folder"):
        write(tmp_path / "file" / "model")


def test_a_missing_folder_and_a_folder_without_a_model_give_different_errors(tmp_path):
    with pytest.raises(ModelFolderError, match="There is no folder"):
        read_model(tmp_path / "nowhere")
    with pytest.raises(ModelFolderError, match=r"is not an anyshot model: it has no model\.json"):
        read_model(tmp_path)
    (tmp_path / "model.json").write_text('{"layers": 3}')
    with pytest.raises(ModelFolderError, match="was written by another program"):
        read_model(tmp_path)


@pytest.mark.parametrize("text", ["", '{"anyshot": "0.1.0", "for', "[" * 100_000, '{"anyshot": NaN}', "\x00\x01"])
def test_an_incomplete_model_json_and_a_changed_one_give_different_errors(tmp_path, text):
    write(tmp_path / "model")
    (tmp_path / "model" / "model.json").write_text(text)
    with pytest.raises(ModelFolderError, match=r"is incomplete or damaged: .*fit and save the model again"):
        read_model(tmp_path / "model")


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path / "model")
    (tmp_path / "model" / "arrays.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"lacks arrays\.safetensors: the model is incomplete"):
        read_model(tmp_path / "model")


def test_one_changed_byte_of_the_arrays_is_detected(tmp_path):
    path = write(tmp_path / "model") / "arrays.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"arrays\.safetensors was changed after the model was saved"):
        read_model(tmp_path / "model")


def test_the_card_may_be_edited_or_deleted(tmp_path):
    card = write(tmp_path / "model") / "README.md"
    card.write_text("# Made for the helpdesk\n")
    assert read_model(tmp_path / "model").facts["name"] == "old"
    card.unlink()
    assert read_model(tmp_path / "model").facts["name"] == "old"
    card.write_text("# Written again\n")
    write(tmp_path / "model", "new")
    assert card.read_text() == "# new\n"
    assert read_model(tmp_path / "model").facts["name"] == "new"


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "Desktop.ini"])
def test_system_files_block_neither_loading_nor_saving(tmp_path, name):
    left = write(tmp_path / "model") / name
    left.write_bytes(b"x")
    assert read_model(tmp_path / "model").facts["name"] == "old"
    write(tmp_path / "model", "new")
    assert read_model(tmp_path / "model").facts["name"] == "new"
    assert not left.exists()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / name).write_bytes(b"x")
    assert read_model(write(tmp_path / "empty")).facts["name"] == "old"


def test_a_folder_or_link_named_like_a_system_file_is_not_ignored(tmp_path):
    folder = write(tmp_path / "model")
    (folder / ".DS_Store").mkdir()
    with pytest.raises(ModelFolderError, match=r"other files: \.DS_Store"):
        write(folder, "new")
    (folder / ".DS_Store").rmdir()
    (folder / ".DS_Store").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelFolderError, match=r"symbolic link, \.DS_Store"):
        read_model(folder)


def test_a_changed_fact_is_detected(tmp_path):
    path = write(tmp_path / "model") / "model.json"
    path.write_text(path.read_text().replace('"old"', '"bad"'))
    with pytest.raises(ModelFolderError, match=r"model\.json was changed after the model was saved"):
        read_model(tmp_path / "model")


def test_model_json_without_its_parts_is_refused_even_with_a_valid_digest(tmp_path):
    outside = tmp_path / "secret.md"
    outside.write_text("secret")
    for files in ({"../secret.md": "0", "arrays.safetensors": "0"}, {}, None):
        change(write(tmp_path / "model"), files=files)
        with pytest.raises(ModelFolderError, match="was changed"):
            read_model(tmp_path / "model")
        (tmp_path / "model" / "model.json").unlink()
        for path in (tmp_path / "model").iterdir():
            path.unlink()


def test_a_newer_format_names_the_version_that_wrote_it_and_the_remedy(tmp_path):
    change(write(tmp_path / "model"), format=FORMAT + 1, anyshot="7.5.0")
    with pytest.raises(ModelFolderError, match=r"written by anyshot 7\.5\.0 in format 3.*install \"anyshot>=7\.5\.0\""):
        read_model(tmp_path / "model")
    with pytest.raises(ModelFolderError, match="Nothing was written"):
        write(tmp_path / "model", "new")


@pytest.mark.parametrize("suffix", sorted(RUNS_CODE))
def test_a_file_that_may_run_code_is_refused_by_name(tmp_path, suffix):
    (write(tmp_path / "model") / f"extra{suffix.upper()}").write_bytes(b"")
    with pytest.raises(ModelFolderError, match=rf"contains extra{suffix.upper()}, a type of file that may run code"):
        read_model(tmp_path / "model")


def test_an_array_file_of_objects_is_refused_and_one_of_numbers_is_not(tmp_path):
    folder = write(tmp_path / "model")
    np.save(folder / "numbers.npy", np.arange(3))
    assert read_model(folder).facts["name"] == "old"
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ModelFolderError, match=r"contains objects\.npy"):
        read_model(folder)


def test_a_symbolic_link_inside_is_refused(tmp_path):
    folder = write(tmp_path / "model")
    (folder / "README.md").rename(tmp_path / "elsewhere.md")
    (folder / "README.md").symlink_to(tmp_path / "elsewhere.md")
    with pytest.raises(ModelFolderError, match=r"symbolic link, README\.md"):
        read_model(folder)


def test_arrays_that_safetensors_cannot_read_are_a_model_folder_error(tmp_path):
    folder = write(tmp_path / "model")
    (folder / "arrays.safetensors").write_bytes(b"not a tensor")
    files = json.loads((folder / "model.json").read_text())["files"]
    digest = sha256(b"not a tensor").hexdigest()
    change(folder, files=files | {"arrays.safetensors": digest})
    with pytest.raises(ModelFolderError, match=r"cannot be read: .*Restore it from a copy"):
        read_model(folder)


def test_loading_needs_no_torch(tmp_path):
    code = (
        "import sys; from anyshot.base.model_folder import read_model; "
        "read_model(sys.argv[1]); print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(write(tmp_path / "model"))], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


def test_the_working_directory_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match="is the working directory"):
        write_model(".", facts={}, arrays={}, card="")
    assert Path.cwd() == tmp_path


def in_hub_cache(tmp_path):
    """Write a model as the hub's client keeps a downloaded one: links into the blobs of its entry."""
    entry = tmp_path / "models--owner--name"
    folder = write(entry / "snapshots" / "0a1b")
    (entry / "blobs").mkdir()
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(entry / "blobs" / str(number))
        path.symlink_to(f"../../blobs/{number}")
    return folder


def test_a_model_in_the_hugging_face_cache_is_read_through_its_links(tmp_path):
    folder = in_hub_cache(tmp_path)
    assert read_model(folder).facts == read_model(write(tmp_path / "model")).facts
    (folder / "arrays.safetensors").resolve().write_bytes(b"changed")
    with pytest.raises(ModelFolderError, match="was changed after the model was saved"):
        read_model(folder)


@pytest.mark.parametrize("target", ["../../../secret/blobs/0", "../../other/0", "/etc/passwd", "../../blobs/missing"])
def test_a_link_in_the_cache_that_leaves_its_entry_is_refused(tmp_path, target):
    folder = in_hub_cache(tmp_path)
    for place in ("secret/blobs", "models--owner--name/other"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "0").write_bytes((folder / "arrays.safetensors").read_bytes())
    (folder / "arrays.safetensors").unlink()
    (folder / "arrays.safetensors").symlink_to(target)
    with pytest.raises(ModelFolderError, match=r"contains a symbolic link, arrays\.safetensors"):
        read_model(folder)


def test_an_address_is_no_folder():
    for use in (read_model, lambda folder: write_model(folder, facts={}, arrays={}, card="")):
        with pytest.raises(ModelFolderError, match=r"s3://bucket/model is an address"):
            use("s3://bucket/model")


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_model("~/model", facts={"a": 1}, arrays={}, card="")
    assert read_model(tmp_path / "model").facts == read_model("~/model").facts


@pytest.mark.parametrize("folder", [None, 3, b"model"])
def test_anything_but_a_path_is_refused(folder):
    with pytest.raises(ModelFolderError, match=r"The path of a folder is needed; got a \w+"):
        read_model(folder)


def test_a_name_that_is_too_long_for_the_folder_is_refused_before_the_work(tmp_path):
    check_replaceable(tmp_path / ("n" * 230))
    write(tmp_path / ("n" * 230))
    for name in ("n" * 231, "\u6a21" * 85, "n" * 300):
        with pytest.raises(ModelFolderError, match=r"bytes; at most 230 are possible. Choose a shorter one"):
            check_replaceable(tmp_path / name)
