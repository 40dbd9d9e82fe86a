"""Facts the package carries about the 1000 ImageNet classes, in the order of the classifiers' rows, and about nouns.

``imagenet_classes.json`` lists each class's names, the short common one first; ``imagenet_kinds.json`` gives, for
common kinds of things, the runs of classes [first, last] that are of that kind. ``noun_kinds.json`` lists common nouns
of things that can be photographed by the kind that they are of, or most look like.
"""
