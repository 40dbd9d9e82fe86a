import numpy as np
import pytest

from anyshot.domain_adaptation.eigenvectors import leading_eigenvectors


@pytest.mark.parametrize("k", [2, 20], ids=["Lanczos", "dense solver"])
def test_the_eigenvectors_are_those_of_the_largest_eigenvalues_largest_first(k):
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(40, 40)))[0]
    spectrum = np.linspace(-30, 9, 40)  # the largest in size are negative
    values, vectors = leading_eigenvectors(basis * spectrum @ basis.T, k)
    np.testing.assert_allclose(values, spectrum[::-1][:k], atol=1e-12)
    np.testing.assert_allclose(np.abs(vectors.T @ basis[:, ::-1][:, :k]), np.eye(k), atol=1e-8)
