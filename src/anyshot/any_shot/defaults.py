"""The constants of the any-shot model in one table, each with its meaning and the measurement that set it."""

from dataclasses import dataclass
from typing import Final, NamedTuple


class Strength(NamedTuple):
    """How far labels may move a head from where it starts, and what is assumed of it before cross-validation."""

    C: float  # inverse of the penalty on the move, as in scikit-learn
    prior_weight: float  # 1: the head starts from the class vectors; 0: from nothing, as logistic regression does
    cost: float = 0.0  # subtracted from its log-likelihood on held-out labels [nats]
    scale: float = 1.0  # inverse temperature of its scores, until labels show a better one


LOGISTIC: Final = Strength(C=10.0, prior_weight=0, cost=0.5, scale=2.0)
"""The head without class vectors."""


@dataclass(frozen=True)
class Defaults:
    """Constants of the any-shot model; `dataclasses.replace(DEFAULTS, ...)` switches a mechanism off in experiments.

    Weights are relative to one labeled vector; agreements, shares and balances are fractions; a scale is an inverse
    temperature. A saved model does not contain them.
    """

    # --- names filtered to the directions in which the pool varies (`pool_refinement.wiener_filter`) ---

    # Ten text sets without labels: 63.8 % without the filter, 67.3 % with it and half of the train rows as a pool.
    filter_noise: float = (
        3.0  # variance of a class vector's error in any direction, relative to the items'; 0: no filter
    )
    filter_items: float = 300.0  # items that an isotropic covariance counts for

    # --- class vectors refined on the pool (`pool_refinement.refine`) ---

    # Weight of the given class vectors against cluster means, where the two agree and where they do not. At the first,
    # ten text sets gained up to 22 points from the pool, and four whose clusters are topics and whose classes are moods
    # lost 6 to 18; at the second they gained up to 17, and one lost 0.9.
    prior_weight: float = 0.2
    strong_prior_weight: float = 0.6
    high_agreement: float = 0.95  # agreement from which the weight is `prior_weight`
    low_agreement: float = 0.85  # agreement up to which it is `strong_prior_weight`; it is linear in between
    agreement_share: float = 0.2  # the most confident predictions, on which agreement is measured
    rounds: int = 10  # of soft k-means
    # Neighbors and balance gained banking77 and clinc150 one to two points together, and cost ag_news half a point.
    n_neighbors: int = 10
    neighbor_weight: float = 0.5  # of the neighbors' mean probabilities against a vector's own; 0: no smoothing
    pool_balance: float = 0.5  # how strongly mean probabilities are moved to the expected class shares
    pool_temperature: float = 1 / 60  # divides the cosines of unlabeled vectors to class vectors
    # The same where vectors are centered, as those of an image network: 79.5 to 82.6 % on caltech101 without labels.
    image_pool_balance: float = 1.0
    image_pool_temperature: float = 1 / 30
    # Times that clusters may be assigned to classes again; 0: none. Images gained two points, text sets 0 to 0.8.
    max_reassignments: int = 5
    label_weight: float = 3.0  # of a labeled vector in the refinement, where an unlabeled one weighs 1

    # --- whether the refinement is used: nats are added to the log-likelihood of the labels ---

    # Smallest agreement of a refinement that has found the classes; 0: any. Over nine text sets, those that gained had
    # 0.84 to 1, and three that lost had 0.68, 0.70 and 0.85.
    min_agreement: float = 0.75
    trust: float = 1.0  # before labels, if it agrees [nats]
    distrust: float = -5.0  # before labels, if it does not [nats]
    balanced_bonus: float = 0.5  # of the refinement with balanced class shares [nats]
    try_unbalanced: bool = True  # whether labels may choose one without: on sms_spam, 87 to 13, balance costs 7 points
    gain_scales: tuple[float, ...] = (0, 2, 5, 10, 15, 20, 30, 45, 60, 90)  # tried when labels compare class vectors

    # --- the pool as examples for the head ---

    pool_labels: int = 20  # all unlabeled vectors together weigh at most as much as this number of labels per class
    max_pool_weight: float = 0.3  # of one unlabeled vector
    pool_examples: int = 5_000  # unlabeled vectors that the head is fitted to; all of them move the class vectors
    own_labels: float = (
        5.0  # labels per class at which its own prediction and its neighbors' count the same; 0: own only
    )
    shares_rounds: int = 20  # of expectation maximization for the pool's class shares; 0: the head's own shares
    shares_prior: float = 0.1  # items of equal class shares added for each item of the pool
    # Logit of the head's weight against the refinement's in the targets. In doubt the weight is large: following a
    # wrong refinement costs more than learning from too few labels.
    blend_offset: float = 2.0
    blend_slope: float = 2.0  # added for each nat that the head predicts held-out labels better

    # --- class vectors corrected by the labeled classes ---

    min_labeled_classes: int = 10  # needed to estimate how far class vectors are from class means
    max_corrected_classes: int = 2_000  # beyond, none are corrected: the kernel over classes has as many rows

    # --- heads of several strengths, averaged by their likelihood on held-out labels ---

    # No single one is chosen: with two classes and four labels their likelihoods differ by tenths of a nat, with 77
    # classes by dozens. A head close to the class vectors is less confident than it should be: hence the scales.
    strengths: tuple[Strength, ...] = (
        Strength(C=0.1, prior_weight=1, cost=0.0, scale=3.5),
        Strength(C=0.5, prior_weight=1, cost=0.0, scale=3.4),
        Strength(C=2.0, prior_weight=1, cost=0.2, scale=2.8),
        Strength(C=20.0, prior_weight=1, cost=1.0, scale=2.0),
        LOGISTIC,
    )
    refined_scale: float = 2.0  # of every strength from refined class vectors, which are more confident
    min_share: float = 0.02  # a strength with a smaller share in the average is left out
    few_labels: int = 200  # up to this number every strength is tried
    least_c: float = 10.0  # beyond, only strengths from this C on
    many_labels_per_class: int = 20  # labels of every class from which, beyond, a medium strength may be best again
    least_c_per_class: float = 2.0  # and strengths from this C on are tried

    # --- methods compared on held-out labels ---

    min_labels: int = 4  # needed to compare methods
    min_labels_per_class: int = 5  # needed to compare those that do not use class names
    max_held_out: int = 4_000  # labels held out at most
    folds: tuple[tuple[int, int], ...] = ((50, 10), (500, 5))  # largest number of labels, and their number of folds
    fewest_folds: int = 3  # of more labels
    held_out_tol: float = 1e-2  # loss above the minimum that is precise enough for held-out predictions [nats]
    # Standard errors of the paired difference by which another method must predict better to replace the head. When
    # zero-shot replaced it from one on, that cost 2.7 points on average, in 23 cases of 25.
    standard_errors: float = 2.0

    # --- probabilities, centers and closeness ---

    temperature_items: float = 20.0  # labels that the default temperature counts for when a temperature is fitted
    cosine_scale: float = 20.0  # of cosines without labels to fit it; the calibration error with MiniLM is 4 to 6 %
    label_share_items: float = 0.5  # labels added to each class when class shares are those of the labels
    center_items: float = 10.0  # zero vectors added to a center: the mean of one or two photographs is a poor estimate
    closeness_scale: float = (
        30.0  # of the soft maximum of cosines to class means: a second class nearby counts a little
    )
    duplicate_cosine: float = 0.97  # of two class vectors, from which a warning is given
    bridge_duplicate_cosine: float = 0.995  # the same for class vectors from an image network's known classes


DEFAULTS: Final = Defaults()
