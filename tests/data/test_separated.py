import csv
import io

import pytest

from anyshot.data.separated import ParseError, parse


def rows(text: str, *, tabs: bool = False) -> list[list[str]]:
    return parse(text, tabs=tabs)[0][1:]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"a ""b"" c",x', 'a "b" c'),
        ('"a, b",x', "a, b"),
        ('"two\nlines",x', "two\nlines"),
        ('he said "no",x', 'he said "no"'),
        ('5" pipe,x', '5" pipe'),
        ('"",x', ""),
        ('"""",x', '"'),
        (' "spaced" ,x', "spaced"),
        ("ends in \\,x", "ends in \\"),
        ('"ends in \\",x', "ends in \\"),
        ("C:\\new\\table,x", "C:\\new\\table"),
    ],
)
def test_fields_are_read_as_spreadsheets_write_them(written, read):
    assert rows(f"text,label\n{written}\n") == [[read, "x"]]


def test_a_csv_of_the_csv_module_is_read_back():
    table = [["text", "label"], ['"Wow" he said', "a"], ["x,\n\ny", ""], ['""', '"'], ["", "\\"]]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(table)
    assert parse(written.getvalue(), tabs=False)[0] == table


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('text,label\nfine,x\n"Wow" he said,x\n', r"line 3: text follows a closing quote: ' ?he said,x'"),
        ('text,label\n"two\nlines" more,x\n', "line 3: text follows"),
        ('text,label\nfine,x\n"open,x\n', "line 3: a double quote is not closed"),
        ("text,label\na,b,c\n", "line 2: 3 fields, but the first line, 'text,label', has 2"),
    ],
)
def test_what_is_not_csv_is_refused_by_its_line(text, reason):
    with pytest.raises(ParseError, match=reason):
        parse(text, tabs=False)


def test_quotes_may_be_escaped_by_backslashes_as_databases_do():
    assert rows('text,label\n"she said \\"hi\\"",x\n"C:\\\\dir",y\n') == [['she said "hi"', "x"], ["C:\\dir", "y"]]
    assert rows('text,label\n"\\"hi\\"",x\n') == [['"hi"', "x"]]
    assert rows('text,label\n"say \\"",x\n"next",y\n') == [['say "', "x"], ["next", "y"]]


def test_the_reason_is_that_of_doubled_quotes_if_backslashes_do_not_help():
    with pytest.raises(ParseError, match=r"line 2: text follows a closing quote: 'b\" c'"):
        parse('text\n"a \\"b" c\n', tabs=False)


def test_a_quoted_cell_of_a_tsv_may_have_several_lines():
    assert parse('text\tlabel\n"one\ntwo"\tx\nthree\ty', tabs=True).fields[1:] == [["one\ntwo", "x"], ["three", "y"]]


def test_a_tsv_of_a_database_keeps_its_quotes():
    text = 'text\tlabel\n"Wow" he said\ta\nthe 5" pipe\tb\n"open\tc\nclosed"\td\n'
    assert rows(text, tabs=True) == [['"Wow" he said', "a"], ['the 5" pipe', "b"], ['"open', "c"], ['closed"', "d"]]
    assert rows('text\tlabel\n"Wow"\ta\n', tabs=True) == [['"Wow"', "a"]]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_tsv_of_a_spreadsheet_is_read_back(quoting):
    table = [["text", "label"], ['"Wow" he said', "a"], ["x\ny", "b"], ["tab\there", "c"], ["plain", "d"]]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n", delimiter="\t", quoting=quoting).writerows(table)
    assert parse(written.getvalue(), tabs=True)[0] == table


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_first_line_may_state_the_separator(first):
    assert parse(f"{first}\ntext;label\na,b,c;x\n", tabs=False)[:4] == (
        [["text", "label"], ["a,b,c", "x"]],
        [2, 3],
        [1, 2],
        ";",
    )


def test_short_rows_are_filled_empty_lines_left_out_and_empty_fields_at_the_end_ignored():
    assert parse("\ntext,label\na\n\n,,\nb,x,,\n,,\n\n", tabs=False)[:4] == (
        [["text", "label"], ["a", ""], ["", ""], ["b", "x"]],
        [2, 3, 5, 6],
        [2, 3, 5, 6],
        ",",
    )
    assert rows('text\n""\n\nb\n') == [[""], ["b"]]


def test_a_field_may_be_longer_than_the_limit_of_the_csv_module():
    long = "x " * csv.field_size_limit()
    assert rows(f'text,label\n"{long}",a\n') == [[long, "a"]]


def test_the_separator_is_that_of_most_lines():
    text = "text, as sent;label, as given;n\na;x;1\nb, c;y;2\n"
    assert parse(text, tabs=False).fields[2] == ["b, c", "y", "2"]
    assert parse("id,text;note\n1,a\n2,b;c;d\n", tabs=False).fields[2] == ["2", "b;c;d"]


def test_tabs_and_line_ends_that_mysql_escaped_are_part_of_the_text():
    rows = parse("id\ttext\tlabel\n1\tit\\\nis\\\ta C:\\\\new\tx\n2\tb\t\\N\n", tabs=True)
    assert rows.fields == [["id", "text", "label"], ["1", "it\nis\ta C:\\new", "x"], ["2", "b", "\\N"]]
    assert (rows.lines, rows.numbers) == ([1, 2, 4], [1, 2, 3])


def test_a_backslash_at_the_end_of_a_field_of_a_tsv_stays():
    rows = parse("id\ttext\tfolder\n1\ta\\\tC:\\new\\\n2\tb\td\\\n", tabs=True)
    assert rows.fields[1:] == [["1", "a\\", "C:\\new\\"], ["2", "b", "d\\"]]
