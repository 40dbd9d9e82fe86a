"""Facts the package carries about the 1000 ImageNet classes, in the order of the classifiers' rows.

``imagenet_classes.json`` lists each class's names, the short common one first; ``imagenet_kinds.json`` gives, for
common kinds of things, the runs of classes [first, last] that are of that kind.
"""
