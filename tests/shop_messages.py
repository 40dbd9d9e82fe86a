"""Messages to a shop with their classes, which tests of the studio sort."""

from anyshot import data

CLASSES = ["billing", "delivery", "login", "return or refund"]
_ALL = data.messages()
MESSAGES = {text: label for text, label in zip(_ALL.items, _ALL.labels, strict=True) if label in CLASSES}
