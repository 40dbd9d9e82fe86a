"""The constants of the any-shot model in one table, each with the measurement that set it."""

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

    A weight is relative to one labeled vector, an agreement and a share are fractions, a scale divides by a
    temperature. Saved models do not contain them.
    """

    # --- class vectors filtered to the directions in which the pool varies (`pool_refinement.wiener_filter`) ---

    filter_noise: float = 3.0
    """Variance of a class vector's error in any direction, in units of the items' mean variance; 0: no filter.

    On ten text sets without labels: 63.8 % without the filter, 67.3 % with it and half the train rows as a pool.
    """
    filter_items: float = 300.0
    """Items that an isotropic covariance counts for."""

    # --- class vectors refined on the pool (`pool_refinement.refine`) ---

    prior_weight: float = 0.2
    """Weight of the given class vectors against the cluster means, where the two agree.

    Ten text sets gained up to 22 points from the pool; four whose clusters are topics and classes moods lost 6 to 18.
    """
    strong_prior_weight: float = 0.6
    """The same where they disagree: up to 17 points gained, and one set lost 0.9."""
    high_agreement: float = 0.95
    """Agreement of the refined with the given class vectors from which the weight is `prior_weight`."""
    low_agreement: float = 0.85
    """Agreement up to which the weight is `strong_prior_weight`; between the two it changes linearly."""
    agreement_share: float = 0.2
    """Share of the pool, the most confident predictions, on which agreement is measured."""
    rounds: int = 10
    """Rounds of soft k-means."""
    n_neighbors: int = 10
    """Neighbors of each unlabeled vector."""
    neighbor_weight: float = 0.5
    """Weight of the neighbors' probabilities against a vector's own; 0: none.

    With the balance, banking77 and clinc150 gained one to two points, and ag_news lost half a point.
    """
    max_reassignments: int = 5
    """Times that clusters may be assigned to classes again; 0: none.

    Images gained two to three points without labels, seven text sets 0 to 0.8.
    """
    pool_temperature: float = 1 / 60
    """Divides the cosines of unlabeled vectors to class vectors."""
    image_pool_temperature: float = 1 / 30
    """The same where vectors are centered, as those of an image network; clusters are looser there."""
    pool_balance: float = 0.5
    """How strongly mean probabilities are moved to the expected class shares, 0 to 1."""
    image_pool_balance: float = 1.0
    """The same where vectors are centered; with the temperature, images gained three points without labels."""
    label_weight: float = 3.0
    """Weight of a labeled vector in the refinement, where an unlabeled one has weight 1."""

    # --- whether the refinement is used ---

    min_agreement: float = 0.75
    """A refinement with a smaller agreement is distrusted: its clusters are not the classes; 0: none is.

    Over nine text sets, those at the weak weight that gained had 0.84 to 1; three that lost had 0.68, 0.70 and 0.85.
    """
    trust: float = 1.0
    """Added to the log-likelihood of labels by a refinement that agrees, before labels decide [nats]."""
    distrust: float = -5.0
    """Added instead where it does not agree [nats]."""
    balanced_bonus: float = 0.5
    """Added to the refinement with balanced class shares [nats]."""
    try_unbalanced: bool = True
    """Whether labels may choose a refinement without balance: on sms_spam, 87 to 13, balance costs seven points."""
    gain_scales: tuple[float, ...] = (0, 2, 5, 10, 15, 20, 30, 45, 60, 90)
    """Inverse temperatures of cosines that are tried when labels compare class vectors."""

    # --- the pool as examples for the head ---

    pool_labels: int = 20
    """All unlabeled vectors together weigh at most as much as this number of labels per class."""
    max_pool_weight: float = 0.3
    """Largest weight of an unlabeled vector."""
    pool_examples: int = 5_000
    """Unlabeled vectors that the head is fitted to, evenly spaced; all of them move the class vectors."""
    own_labels: float = 5.0
    """Labels per class at which the head's own prediction and its neighbors' count the same; 0: only its own."""
    shares_rounds: int = 20
    """Rounds of expectation maximization that find the pool's class shares in the head's predictions; 0: none."""
    shares_prior: float = 0.1
    """Items of equal class shares added for each item of the pool."""
    blend_offset: float = 2.0
    """Logit of the head's weight against the refinement's, if both predict held-out labels as well.

    In doubt it is large: following a wrong refinement costs more than learning from too few labels.
    """
    blend_slope: float = 2.0
    """Added to that logit for each nat that the head predicts held-out labels better; 0: labels have no say."""

    # --- class vectors corrected by the labeled classes ---

    min_labeled_classes: int = 10
    """Labeled classes needed to estimate how far class vectors are from class means."""
    max_corrected_classes: int = 2_000
    """Classes beyond which none are corrected: the kernel over classes has as many rows."""

    # --- heads of several strengths, averaged by their likelihood on held-out labels ---

    strengths: tuple[Strength, ...] = (
        Strength(C=0.1, prior_weight=1, cost=0.0, scale=3.5),
        Strength(C=0.5, prior_weight=1, cost=0.0, scale=3.4),
        Strength(C=2.0, prior_weight=1, cost=0.2, scale=2.8),
        Strength(C=20.0, prior_weight=1, cost=1.0, scale=2.0),
        LOGISTIC,
    )
    """No single one is chosen. With two classes and four labels the likelihoods differ by tenths of a nat, and the
    average is cautious; with 77 classes they differ by dozens, and it is nearly one head. A head close to the class
    vectors is less confident than it should be, hence the larger scales."""
    refined_scale: float = 2.0
    """Scale of every strength from refined class vectors, which are more confident."""
    min_share: float = 0.02
    """A strength with a smaller share in the average is left out."""
    min_labels: int = 4
    """Labels from which methods are compared."""
    few_labels: int = 200
    """Labels up to which every strength is tried."""
    least_c: float = 10.0
    """Beyond, only strengths from this C on are tried."""
    min_labels_per_class: int = 5
    """Labels that every class needs before methods without class names are compared."""
    many_labels_per_class: int = 20
    """Labels of every class from which, among many, strengths from `least_c_per_class` on are tried."""
    least_c_per_class: float = 2.0
    """A medium strength may be best again as the head approaches logistic regression."""
    max_held_out: int = 4_000
    """Labeled vectors that are held out at most."""
    folds: tuple[tuple[int, int], ...] = ((50, 10), (500, 5))
    """Largest numbers of labels, and into how many folds they are divided."""
    fewest_folds: int = 3
    """Folds of more labels."""
    held_out_tol: float = 1e-2
    """Loss that may remain above the minimum in heads that only predict held-out labels [nats]."""
    standard_errors: float = 2.0
    """Standard errors of the paired difference by which another method must predict better to replace the head.

    Replacing it by zero-shot from one on cost 2.7 points on average where it happened, in 23 cases of 25.
    """

    # --- probabilities ---

    temperature_items: float = 20.0
    """Labels that the default temperature counts for when a temperature is fitted."""
    cosine_scale: float = 20.0
    """Inverse temperature of cosines without labels to fit it; with MiniLM its calibration error is 4 to 6 %."""
    label_share_items: float = 0.5
    """Labels added to each class when class shares are those of the labels."""

    # --- centers and closeness ---

    center_items: float = 10.0
    """Zero vectors added when the center is estimated; the mean of one or two photographs is a poor estimate."""
    closeness_scale: float = 30.0
    """Inverse temperature of the soft maximum of cosines to class means; a second class nearby counts a little."""
    duplicate_cosine: float = 0.97
    """Cosine of two class vectors from which a warning is given."""
    bridge_duplicate_cosine: float = 0.995
    """The same for class vectors that come over the bridge of an image network's known classes."""


DEFAULTS: Final = Defaults()
