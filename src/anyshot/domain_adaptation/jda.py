"""Joint distribution adaptation (JDA): project both domains onto axes along which the class means agree too."""

from sklearn.base import ClassifierMixin

from anyshot.domain_adaptation.normalization import Normalize
from anyshot.domain_adaptation.tca import TCA


class JDA(TCA):
    """Joint distribution adaptation: TCA that also aligns the means of each class.

    The target classes are predicted with the axes found so far; each round aligns the class means by these
    predictions and predicts anew.

    Parameters
    ----------
    n_components : int, default=20
        Number of axes.
    penalty : float, default=1.0
        Weight of the length of the axes against the distance between the domain means.
    rounds : int, default=10
        Number of times the class means are aligned by the predicted target classes. 0 is TCA.
    base : classifier, default=None
        The classifier trained on the projected vectors. None means logistic regression.
    normalize : {"source", "domain", None}, default="domain"
        Statistics used to standardize the vectors, which are then scaled to unit length.

    Attributes
    ----------
    classes_, axes_, model_
        As those of `TCA`.

    References
    ----------
    Long, Wang, Ding, Sun, Yu. Transfer Feature Learning with Joint Distribution Adaptation. ICCV 2013.

    Examples
    --------
    >>> X, y, target = [[0.0, 0.0], [1.0, 0.2], [4.0, 0.1]], ["a", "a", "b"], [[0.0, 0.0], [0.1, 2.0], [0.2, 8.0]]
    >>> JDA(n_components=1).fit(X, y, target=target).predict(target).shape
    (3,)
    """

    def __init__(
        self,
        *,
        n_components: int = 20,
        penalty: float = 1.0,
        rounds: int = 10,
        base: ClassifierMixin | None = None,
        normalize: Normalize = "domain",
    ) -> None:
        super().__init__(n_components=n_components, penalty=penalty, base=base, normalize=normalize)
        self.rounds = rounds
