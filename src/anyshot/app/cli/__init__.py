"""The command line. Each command calls one function of the public interface. Exit codes: 0, 1, 2, 130, 141."""

from collections.abc import Callable
from inspect import cleandoc

from anyshot.app.cli.answering import evaluate, explain, predict, suggest
from anyshot.app.cli.console import app, main, run
from anyshot.app.cli.file_options import with_file_options
from anyshot.app.cli.learning import add_class, fit, learn, remove_class, tune
from anyshot.app.cli.machine import cache, demo, doctor, models
from anyshot.app.cli.measuring import curve, encode
from anyshot.app.cli.reading import with_encoder_option
from anyshot.app.cli.reporting import card, report

__all__ = ["app", "main", "run"]

_COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "predict": (
        predict,
        (
            'anyshot predict "I was charged twice" --classes billing,delivery,login',
            'anyshot predict reviews.csv --words "positive=good, great, fun" --words "negative=bad, awful, dull"',
            "anyshot predict photo.jpg --classes cat,dog",
            "anyshot predict tickets.csv --model model/ --out answers.csv",
        ),
    ),
    "fit": (
        fit,
        (
            "anyshot fit tickets.csv --out model/",
            "anyshot fit few.csv --classes classes.json --unlabeled rest.csv --unknown-rate 0.05 --out model/",
            "anyshot fit photos/ --out model/ --encoder hf:openai/clip-vit-base-patch32",
        ),
    ),
    "tune": (tune, ("anyshot tune tickets.csv --out model/ --budget 600",)),
    "learn": (
        learn,
        (
            "anyshot learn model/ more.csv",
            'anyshot learn model/ "I paid two times" "why two charges?" --label billing',
        ),
    ),
    "evaluate": (evaluate, ("anyshot evaluate model/ test.csv",)),
    "report": (
        report,
        (
            "anyshot report model/ test.csv --out report.html",
            "anyshot report model/ test.csv --train tickets.csv --group-column country",
        ),
    ),
    "card": (card, ("anyshot card model/ --data test.csv",)),
    "explain": (explain, ('anyshot explain model/ "I was charged twice"',)),
    "suggest": (suggest, ("anyshot suggest model/ rest.csv -n 20",)),
    "add-class": (
        add_class,
        ('anyshot add-class model/ refund --description "money back" --example "I want my money back"',),
    ),
    "remove-class": (remove_class, ("anyshot remove-class model/ refund",)),
    "encode": (encode, ("anyshot encode tickets.csv --out vectors.npz",)),
    "curve": (curve, ("anyshot curve tickets.csv --out curve.png",)),
    "models": (models, ("anyshot models",)),
    "cache": (cache, ("anyshot cache --clear",)),
    "doctor": (doctor, ("anyshot doctor",)),
    "demo": (demo, ("anyshot demo --out picture.png",)),
}

for _name, (_command, _examples) in _COMMANDS.items():
    _help = "\n\n".join(part.replace("\n", " ") for part in cleandoc(_command.__doc__ or "").split("\n\n"))
    _epilog = "\n\n".join(["Examples:" if len(_examples) > 1 else "Example:", *_examples])
    app.command(_name, help=_help, epilog=_epilog)(with_encoder_option(with_file_options(_command)))
