"""Fine-tuning of encoders."""

import numpy as np

from anyshot import FineTunedClassifier
from situations.situation import HALF, NAMES, TEXTS, Subject, taken_or_refused

holds = Subject("fine-tuning")

holds("texts as {class: texts}: learned")(
    lambda _: (
        FineTunedClassifier("minilm", epochs=1, freeze_at=-1)
        .fit({"refund": TEXTS[:2], "delivery": TEXTS[2:4]})
        .classes_.tolist()
        == ["delivery", "refund"]
    )
)
holds.refused("one class only: refused", "class")(
    lambda _: FineTunedClassifier("minilm", epochs=1).fit(TEXTS, ["refund"] * 12)
)
holds.refused("a missing text: refused by row", "row 0")(
    lambda _: FineTunedClassifier("minilm", epochs=1).fit([None, *TEXTS[1:]], NAMES)
)
holds.warned("a text that is not read to its end: warned of by row", "longer than the 256 tokens", "row 0")(
    lambda _: FineTunedClassifier("minilm", epochs=1, freeze_at=-1).fit(["refund " * 300, *TEXTS[1:]], NAMES)
)
holds("half an emoji: learned, or refused by row")(
    lambda _: taken_or_refused(
        lambda: len(FineTunedClassifier("minilm", epochs=1).fit([HALF, *TEXTS[1:]], NAMES).predict([HALF])) == 1,
        "0",
    )
)
holds.refused("numbers with fractions as labels: refused, with AnyShotRegressor", "AnyShotRegressor")(
    lambda _: FineTunedClassifier("minilm").fit(TEXTS, np.arange(12) / 8)
)
