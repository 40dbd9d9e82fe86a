"""The constants of the any-shot model, with measurements where they were made."""

from dataclasses import dataclass
from typing import Final, NamedTuple


class Strength(NamedTuple):
    """How far labels may move a head, and from where."""

    C: float  # inverse of the penalty on the move, as in scikit-learn
    prior_weight: float  # 1: the head starts from the class vectors; 0: from nothing, as logistic regression does


@dataclass(frozen=True)
class Defaults:
    """Constants of the any-shot model; `dataclasses.replace(DEFAULTS, ...)` switches a mechanism off in experiments.

    A weight is relative to one labeled vector, a share is a fraction, a scale is an inverse temperature. Measurements
    are means over halves of the train rows of eighteen sets (`benchmarks/ablation.py`); benchmarks/RESULTS.md has what
    half and twice of each constant change. Saved models do not contain the constants.
    """

    # --- words that the texts share (`latent_semantics`) ---

    semantics_weight: float = 1.0
    """Length of the vectors of shared words with many texts and clear topics, where the encoder's is 1; 0: none."""
    semantics_evidence: float = 0.015
    """Evidence [nats per text and direction] at which that length is halved; moods have at most 0.003, topics 0.06."""
    semantics_items: float = 100.0
    """Texts per class at which that length is half as large; without this, 30 texts would cost ag_news 16 points."""
    least_semantics_weight: float = 0.15
    """Smallest length of the vectors of shared words; shorter ones are left out."""
    semantics_texts: int = 3_000
    """Texts at which that length stops to grow: 0.26 on banking77, where 0.52 would cost up to 2.3 points."""

    # --- the domain of the pool (`class_shares.distance_from_mixtures`) ---

    domain_distance: float = 0.1
    """Squared distance [variances] beyond chance from which a pool is not used: own pools have at most 0.01, and 0.08
    if `suggest` chose the labels or people wrote them; other sets 0.1 to 0.9, categories of products 0.17 to 0.3."""

    # --- class vectors filtered to the directions in which the pool varies (`pool_refinement.wiener_filter`) ---

    filter_noise: float = 3.0
    """Variance of a class vector's error in any direction, in units of the items' mean variance; 0: no filter."""
    filter_items: float = 1000.0
    """Items that an isotropic covariance counts for, beside that of the items given."""

    # --- class vectors refined on the pool (`pool_refinement.refine`) ---

    least_agreement: float = 0.7
    """Agreement of names and clusters below which the pool is not used: it would cost moods of tweets 16 points."""
    least_outside_items: float = 10.0
    """Unlabeled vectors per class from which it must be as large on vectors that the clusters do not contain."""
    name_evidence: float = 0.03
    """Evidence for clusters [nats per vector and direction] at which class vectors weigh as much as cluster means."""
    name_weights: tuple[float, float] = (0.5, 2.0)
    """Smallest and largest weight of class vectors: clear topics are best at the first, sentiments at the second."""
    name_items: float = 15.0
    """Divided by the unlabeled vectors per class, a part of that weight; 3 loses 3 points where there are three."""
    max_pool: int = 20_000
    """Unlabeled vectors used at most, evenly spaced."""
    shares_prior: float = 0.1
    """Items of equal class shares added for each item of the pool while its class shares are found."""
    least_gain: float = 0.015
    """Evidence that the class shares of a Gaussian mixture must add to be taken [nats per vector]; spam gains 8."""
    pool_temperature: float = 1 / 60
    """Divides the cosines of unlabeled vectors to class vectors; from 1/15 to 1/60 the mean changes by 0.5 points."""
    image_pool_temperature: float = 1 / 30
    """The same where vectors are centered (image networks), whose clusters are looser: +3 points on 80 classes."""
    pool_balance: float = 0.5
    """How strongly mean probabilities are moved to the expected class shares, 0 to 1; 0 loses 0.6, 1 loses 0.2."""
    pool_rounds: int = 10
    """Rounds of soft k-means; 5 and 30 are as good."""
    fold_rounds: int = 3
    """The same for class vectors that predict held-out labels; 10 change calibration errors by 0.3 points at most."""
    label_weight: float = 3.0
    """Weight of a labeled vector in the cluster means, where an unlabeled one weighs 1: +0.3 points over none."""

    # --- the pool as examples for the heads ---

    pool_labels: float = 20.0
    """All unlabeled vectors together weigh at most as many labels per class; +0.6 and +0.3 points at 5 and 10."""
    max_pool_weight: float = 0.3
    """Largest weight of an unlabeled vector."""
    pool_examples: int = 5_000
    """Unlabeled vectors that the heads are fitted to, evenly spaced; all of them move the class vectors."""
    shares_rounds: int = 20
    """Rounds in which class shares, and the offsets that make the mean prediction equal to them, are found."""
    shares_temperature: float = 4 / 3
    """Divides scores by default scales where shares are found: with 1, reuters and sms_spam lose 0.5 to 1.3 points."""
    shares_noise: float = 0.02
    """Divergence of found class shares from equal ones that is error, for each doubling of the classes [nats]."""
    shares_items: float = 800.0
    """Unlabeled vectors at which that error is twice as large as with many: without it, 2 to 20 cost 1 to 10 points."""
    given_shares_items: float = 10.0
    """Unlabeled vectors, for each doubling of the classes, at which half of the offsets to a `class_prior` is used."""
    shares_labels: float = 20.0
    """Number of labels at which a model's predictions count as much for the pool's class shares as the prior."""

    # --- class vectors corrected by the labeled classes ---

    min_labeled_classes: int = 10
    """Labeled classes needed to estimate how far class vectors are from class means."""
    max_corrected_classes: int = 2_000
    """Classes beyond which none are corrected: the kernel over classes has as many rows."""
    correction_penalty: float = 0.1
    """Ridge penalty of the corrections, where the kernel of a class with itself is 1."""
    correction_noise: float = 3.0
    """Added to it, divided by the class's number of labels: the mean of a few labels is not the class's mean."""

    # --- heads, averaged by their likelihood on held-out labels ---

    prior_scale: float = 5.0
    """Score that a cosine of 1 to the class vector adds in a head that starts from class vectors."""
    name_examples: float = 1.0
    """Labeled vectors that a class vector counts for when a head is fitted; 0.5 loses 1 point at 77 x 1 labels."""
    weak_c: float = 0.2
    """C of the head that stays close to the class vectors; 0.1 loses 0.2 and 0.3 with 5 and 10 labels."""
    few_labels: int = 200
    """Labels up to which that head takes part. Beyond, it would lower the scores of classes without labels too much."""
    strong_c: float = 20.0
    """C of the head that follows the labels."""
    logistic_c: tuple[float, ...] = (1.0, 10.0)
    """C of the heads without class vectors; with all labels, the second alone has 1.1 points less on twelve sets."""
    weak_odds: float = 1.0
    """Prior odds of the weak head in the average; a head with the odds 0 is left out."""
    strong_odds: float = 0.01
    """Prior odds of the strong head, times the square of the number of classes: few often differ little (moods)."""
    logistic_odds: float = 0.0008
    """Prior odds of each head without class vectors, times the square of the smallest number of labels of a class."""
    logistic_labels: int = 20
    """The largest such number that counts: more odds would leave out heads that know the class vectors."""
    min_share: float = 0.02
    """A head with a smaller share in the average is left out."""
    min_labels: int = 4
    """Labels that must be held out before they change the average or the temperature."""
    min_labels_per_class: int = 5
    """Labels that every class needs before methods without class names are compared."""
    max_held_out: int = 4_000
    """Labeled vectors that are held out at most."""
    folds: tuple[tuple[int, int], ...] = ((50, 10), (500, 5), (10**9, 3))
    """Largest numbers of labels, and into how many folds they are divided."""
    tol: float = 2e-5
    """Loss that may remain above the minimum in the heads of a model [nats, of the sum over labels]."""
    held_out_tol: float = 1e-2
    """Loss that may remain above the minimum in heads that only predict held-out labels [nats]."""

    # --- probabilities ---

    cosine_scale: float = 23.0
    """Inverse temperature of cosines to class vectors until labels fit it, times a factor for the vectors' spread."""
    bridge_scale: float = 28.0
    """The same for class vectors predicted from ImageNet's weights, while there is no item to give a center."""
    confidence_power: int = 2
    """With a pool, it is multiplied by this power of the agreement: poor clusters give overconfident predictions."""
    image_confidence_power: int = 4
    """The same where vectors are centered (image networks): the calibration error falls from 13 to 9 points."""
    smallest_confidence: float = 0.1
    """Smallest agreement that counts, so that a scale stays above 0."""
    temperature_items: float = 20.0
    """Labels that the default temperature counts for when a temperature is fitted."""
    label_share_items: float = 0.5
    """Labels added to each class when class shares are those of the labels, as the user says."""
    natural_share_items: float = 10.0
    """The same where the counts look like those of a natural sample: +3.9 points with 30 labels, +1.2 with all."""
    classes_per_count: int = 4
    """Labels were drawn by a plan if there is at most one distinct number of labels for so many classes."""

    # --- centers ---

    center_items: float = 10.0
    """Zero vectors added when the center is estimated; the mean of one or two photographs is a poor estimate."""


DEFAULTS: Final = Defaults()
