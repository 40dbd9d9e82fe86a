"""The command line. Each command calls one function of the public interface. Exit codes: 0, 1, 2, 130, 141."""

from anyshot.app.cli.console import app, main, options_of_all, run
from anyshot.app.cli.group import Command, command_group

__all__ = ["app", "main", "run"]

_DECORATORS = ("anyshot.app.cli.files:with_file_options", "anyshot.app.cli.saved_models:with_encoder_option")

_COMMANDS = {
    "predict": Command(
        "anyshot.app.cli.answering:predict",
        "Predict the class of each text, image or row of features.",
        (
            'anyshot predict "I was charged twice" --classes billing,delivery,login',
            'anyshot predict reviews.csv --words "positive=good, great, fun" --words "negative=bad, awful, dull"',
            "anyshot predict photo.jpg --classes cat,dog",
            "anyshot predict model/ tickets.csv --out answers.xlsx",
        ),
    ),
    "fit": Command(
        "anyshot.app.cli.learning:fit",
        "Fit a model on labeled data and write it to a folder.",
        (
            "anyshot fit tickets.csv --out model/",
            "anyshot fit few.csv --classes classes.json --unlabeled rest.csv --unknown-rate 0.05 --out model/",
            "anyshot fit photos/ --out model/ --encoder hf:openai/clip-vit-base-patch32",
        ),
    ),
    "tune": Command(
        "anyshot.app.cli.learning:tune",
        "Fit a model as `fit` does, compare it with fine-tuning by cross-validation, and write the better one.",
        ("anyshot tune tickets.csv --out model/ --budget 600",),
    ),
    "learn": Command(
        "anyshot.app.cli.learning:learn",
        "Update a model with more labels of its classes, from a file or with --label.",
        (
            "anyshot learn model/ more.csv",
            'anyshot learn model/ "I paid two times" "why two charges?" --label billing',
        ),
    ),
    "evaluate": Command(
        "anyshot.app.cli.answering:evaluate",
        "Measure how good a model is on labeled data that it was not fitted on.",
        ("anyshot evaluate model/ test.csv",),
    ),
    "report": Command(
        "anyshot.app.cli.reporting:report",
        "Write an HTML report on how good a model is, where it fails and what more labels would bring.",
        (
            "anyshot report model/ test.csv --out report.html",
            "anyshot report model/ test.csv --train tickets.csv --group-column country",
        ),
    ),
    "card": Command(
        "anyshot.app.cli.reporting:card",
        "Print the model card with the metadata that model hubs read, and with --data the accuracy.",
        ("anyshot card model/ --data test.csv",),
    ),
    "explain": Command(
        "anyshot.app.cli.answering:explain",
        "Explain each prediction: the description that matches best and the nearest labeled examples.",
        ('anyshot explain model/ "I was charged twice"',),
    ),
    "suggest": Command(
        "anyshot.app.cli.answering:suggest",
        "List the items that are most useful to label next, the most useful first, with the model's guesses.",
        ("anyshot suggest model/ rest.csv -n 20",),
    ),
    "add-class": Command(
        "anyshot.app.cli.class_changes:add_class",
        "Add a class to a model by its name, a description, words and examples.",
        ('anyshot add-class model/ refund --description "money back" --example "I want my money back"',),
    ),
    "remove-class": Command(
        "anyshot.app.cli.class_changes:remove_class",
        "Remove a class and its labeled examples from a model.",
        ("anyshot remove-class model/ refund",),
    ),
    "rename-class": Command(
        "anyshot.app.cli.class_changes:rename_class",
        "Rename a class of a model.",
        ("anyshot rename-class model/ refund refunds",),
    ),
    "merge-classes": Command(
        "anyshot.app.cli.class_changes:merge_classes",
        "Merge classes of a model into one.",
        ("anyshot merge-classes model/ refund cancellation --into billing",),
    ),
    "describe-class": Command(
        "anyshot.app.cli.class_changes:describe_class",
        "Replace the description and words of a class.",
        ('anyshot describe-class model/ refund --words "money back, refund, return"',),
    ),
    "encode": Command(
        "anyshot.app.cli.measuring:encode",
        "Write the vectors of texts or images to a file.",
        ("anyshot encode tickets.csv --out vectors.npz",),
    ),
    "curve": Command(
        "anyshot.app.cli.measuring:curve",
        "Measure accuracy against the number of labels per class, next to logistic regression.",
        ("anyshot curve tickets.csv --out curve.png",),
    ),
    "serve": Command(
        "anyshot.app.cli.serving:serve",
        "Serve models over HTTP. Their classes and labels can be changed while they answer.",
        (
            "anyshot serve model/",
            "anyshot serve support=models/support photos=models/photos --host 0.0.0.0 --token-file tokens.txt",
            "anyshot serve --classes billing,delivery,login --port 0",
        ),
    ),
    "studio": Command(
        "anyshot.app.cli.studio:studio",
        "Sort texts, images or rows of numbers in the browser, without programming.",
        ("anyshot studio", "anyshot studio tickets.csv", "anyshot studio model/"),
    ),
    "history": Command(
        "anyshot.app.cli.studio:history",
        "List what was done to a project of the studio, the newest first.",
        ("anyshot history projects/mail -n 20",),
    ),
    "undo": Command(
        "anyshot.app.cli.studio:undo",
        "Undo the last change of a project of the studio, or all after one.",
        ("anyshot undo projects/mail", "anyshot undo projects/mail --to 12"),
    ),
    "redo": Command(
        "anyshot.app.cli.studio:redo",
        "Make the last change of a project of the studio again that was undone, unless something else was done since.",
        ("anyshot redo projects/mail",),
    ),
    "models": Command(
        "anyshot.app.cli.machine:models",
        "List the encoders with their size and license, and whether their weights are on this machine.",
        ("anyshot models",),
    ),
    "fetch": Command(
        "anyshot.app.cli.machine:fetch",
        "Get the weights of the built-in encoders, unless they are on this machine.",
        ("anyshot fetch minilm", "anyshot fetch efficientnet-lite0 --from weights/"),
    ),
    "cache": Command(
        "anyshot.app.cli.machine:cache", "Show the size of the disk cache, or clear it.", ("anyshot cache --clear",)
    ),
    "doctor": Command(
        "anyshot.app.cli.machine:doctor",
        "Check the installation: versions, cores, bfloat16, GPU, encoders, cache.",
        ("anyshot doctor",),
    ),
    "demo": Command(
        "anyshot.app.cli.machine:demo",
        "Run the demonstration on 212 customer messages and two photographs.",
        ("anyshot demo --out picture.png",),
    ),
}

app.callback(cls=command_group(_COMMANDS, decorators=_DECORATORS))(options_of_all)
