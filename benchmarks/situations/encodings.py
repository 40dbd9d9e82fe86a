"""Encodings of CSV files and lists of texts: detected, named, mixed."""

from pathlib import Path

from situations.situation import (
    CLASSES,
    CSV,
    Subject,
    command,
    fails_with,
    fit,
    fit_refused,
    labels_of,
    read,
    read_texts,
    taken_or_refused,
    written,
)

holds = Subject("encodings")

ENCODED = {
    "gb18030": ("我的包裹什么时候到", "gb18030"),
    "shift_jis": ("荷物はいつ届きますか", "shift_jis"),
    "cp1251": ("где мой заказ", "cp1251"),
    "cp1254": ("siparişim gelmedi, çok yanl\u0131ş", "cp1254"),
    "cp1252 with signs between letters": ("width\u00d7height is axb, not a\u00d7b", "cp1252"),
    "cp1252 with a dash between words": ("late\u2014where is it\u2014I don\u2019t know\u2014help", "cp1252"),
    "cp1252 of cubic meters": ("5 m\u00b3 f\u00fcr 9 \u20ac, 6 m\u00b3, 7 m\u00b3", "cp1252"),
    "cp1252 of French capitals": ("H\u00d4TEL, C\u00d4TE, ROYAN H\u00d4TEL", "cp1252"),
    "cp1250 of Polish": ("zażółć gęślą jaźń, płatność", "cp1250"),
    "cp1250 of Czech": ("Dobrý den, zboží přišlo poškozené", "cp1250"),
    "cp1250 of Hungarian": ("Kérem vissza a pénzt, késő és sérült", "cp1250"),
    "cp1257": ("Prašau grąžinti pinigus, prekė sugedusi", "cp1257"),
    "cp850": ("Wo ist mein Päckchen, ich möchte es hören", "cp850"),
    "cp852": ("Płatność kartą nie przeszła", "cp852"),
    "cp866": ("Верните деньги, товар сломан", "cp866"),
}
holds.each("a list of texts in {}: read", ENCODED)(
    lambda f, text, encoding: read_texts(f, "a.txt", text.encode(encoding)) == [text]
)
RARELY_ENCODED = {
    "cp1253": ("πού είναι η παραγγελία μου", "cp1253"),
    "cp1255": ("איפה ההזמנה שלי בבקשה", "cp1255"),
    "euc_kr": ("내 소포는 언제 도착하나요", "euc_kr"),
    "cp1250 of a few words": ("Comanda nu a ajuns încă, e spart", "cp1250"),
    "mac_roman": ("zurück für ein Stück", "mac_roman"),
    "cp874": ("พัสดุของฉันอยู่ที่ไหน", "cp874"),
}
holds.each("a list of texts in {}: read, or refused with --encoding", RARELY_ENCODED)(
    lambda f, text, encoding: taken_or_refused(
        lambda: read_texts(f, "a.txt", f"{text}\n".encode(encoding)) == [text], "--encoding"
    )
)
GERMAN = "text;label\nRückgabe kostet 5 €;Rückgabe\nWo ist mein Päckchen?;Lieferung\n".encode("cp1252")
holds("a CSV of a German Excel, with the euro sign: read")(
    lambda f: read(f, "a.csv", GERMAN) == (["Rückgabe kostet 5 €", "Wo ist mein Päckchen?"], ["Rückgabe", "Lieferung"])
)
holds("a TSV in UTF-16 with quotes: read")(
    lambda f: read_texts(f, "a.tsv", 'text\tlabel\n5" pipe\tx\nb\ty\n'.encode("utf-16")) == ['5" pipe', "b"]
)
holds("UTF-16 without a byte order mark: refused, with --encoding")(
    fit_refused("a.csv", CSV.encode("utf-16-le"), "--encoding")
)


@holds("one byte of Latin-1 in a file of UTF-8: the other rows are kept, or the line is named")
def _(folder: Path) -> object:
    content = "text,label\ncafé crème,x\n".encode() + b"caf\xe9 noir,y\n" + "thé vert à la menthe,y\n".encode()
    return taken_or_refused(lambda: read_texts(folder, "a.csv", content)[0] == "café crème", "line 3")


holds("--encoding cp1250: read")(
    lambda f: (
        labels_of(
            command(
                "predict",
                written(f, "a.txt", "refund zw\u0142oka\n".encode("cp1250")),
                *CLASSES,
                "--encoding",
                "cp1250",
            )
        )
        == ["refund"]
    )
)
holds.each("--encoding {}: refused as unknown", ("utf-9", "undefined", "punycode"))(
    lambda f, name: fails_with(fit(f, "a.csv", CSV, "--encoding", name), 1, "Unknown encoding", name)
)
holds("--encoding utf-16 of UTF-8: refused")(fit_refused("a.csv", CSV, "not utf-16", options=("--encoding", "utf-16")))
