import numpy as np
import pytest

from covid_model.model.gradcam import make_gradcam_heatmap, normalize


def test_the_map_is_the_sum_of_features_weighted_by_their_mean_gradient():
    features = np.zeros((2, 2, 2), np.float32)
    features[0, 0, 0], features[1, 1, 1] = 3, 5
    gradients = np.stack([np.full((2, 2), 2.0), np.full((2, 2), -1.0)], axis=-1)
    np.testing.assert_allclose(make_gradcam_heatmap(features, gradients), [[6, 0], [0, -5]])


def test_only_the_mean_of_a_gradient_counts():
    features = np.random.default_rng(0).random((3, 4, 5))
    uneven = np.random.default_rng(1).random((3, 4, 5))
    even = np.broadcast_to(uneven.mean((0, 1)), uneven.shape)
    np.testing.assert_allclose(make_gradcam_heatmap(features, uneven), make_gradcam_heatmap(features, even), rtol=1e-5)


@pytest.mark.parametrize("shape", [(14, 14, 512), (7, 7, 3), (1, 1, 1)])
def test_shapes(shape):
    item = np.ones(shape, np.float32)
    assert make_gradcam_heatmap(item, item).shape == shape[:2]


def test_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match="Received"):
        make_gradcam_heatmap(np.ones((2, 2, 3)), np.ones((2, 2, 4)))


def test_scaled_maps_keep_their_sign_and_reach_one():
    np.testing.assert_allclose(normalize(np.array([[2.0, -4.0]])), [[0.5, -1.0]])
    assert not normalize(np.zeros((2, 2))).any()
