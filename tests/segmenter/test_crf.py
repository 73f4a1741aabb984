"""Promises of the dense CRF loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from segmenter.crf import BACKENDS, dense_crf_loss
from segmenter.crf.nystrom import BLOCK


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photograph(seed: int, height: int = 64, width: int = 64, noise: float = 8.0) -> Tensor:
    """Return (1, 3, height, width) in 0..255: a slanted gradient, blurred blobs of colour, strokes and noise."""
    generator = seeded(seed)
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    slopes = torch.rand(3, 2, generator=generator) * 120
    image = 40 + slopes[:, :1, None] * x + slopes[:, 1:, None] * y
    for _ in range(6):
        cy, cx, radius, softness = torch.rand(4, generator=generator).tolist()
        colour = torch.rand(3, 1, 1, generator=generator) * 255
        distance = ((y - cy) ** 2 + (x - cx) ** 2).sqrt() - 0.05 - 0.2 * radius
        image = image + (colour - image) * torch.sigmoid(-distance / (0.004 + 0.05 * softness))
    stroke = torch.sigmoid(12 * torch.sin(25 * x + 9 * y)) * ((y - 0.5).abs() < 0.15)
    image = image + (torch.rand(3, 1, 1, generator=generator) * 255 - image) * stroke
    return (image + noise * torch.randn(3, height, width, generator=generator)).clamp(0, 255).round()[None]


def masks(image: Tensor, seed: int) -> Tensor:
    """Return logits (1, 4, H, W): noise, smooth blobs, a mask that follows the colours, a faint mask."""
    generator, shape = seeded(seed), image.shape[2:]
    noise = 2 * torch.randn(shape, generator=generator)
    coarse = torch.randn(1, 1, 6, 6, generator=generator)
    blobs = 4 * torch.nn.functional.interpolate(coarse, shape, mode="bicubic")[0, 0]
    grey = image[0].mean(0)
    colours = (grey - grey.mean()) / 10
    return torch.stack([noise, blobs, colours, noise / 2 + colours / 4 - 3])[None]


def gradient(logits: Tensor, images: Tensor, valid: Tensor | None = None, **settings: object) -> tuple[Tensor, Tensor]:
    """Return the values and the gradient of their sum in the logits."""
    logits = logits.clone().requires_grad_()
    values = dense_crf_loss(logits, images, valid, **settings)  # type: ignore[arg-type]
    (slope,) = torch.autograd.grad(values.sum(), logits)
    return values.detach(), slope


def logit(*probabilities: float) -> Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64)).view(1, 1, 1, -1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_three_pixels_by_hand(backend):
    # Features are red / 10 and x / 1.5: sigma_xy is half of the longer side, 3 pixels.
    images = torch.zeros(1, 3, 1, 3)
    images[0, 0, 0] = torch.tensor([0.0, 10.0, 30.0])
    ab = math.exp(-(1 + 1 / 1.5**2) / 2)
    bc = math.exp(-(4 + 1 / 1.5**2) / 2)
    ac = math.exp(-(9 + 4 / 1.5**2) / 2)
    x = (0.9, 0.6, 0.2)
    affinity = [[1, ab, ac], [ab, 1, bc], [ac, bc, 1]]
    cut = sum(affinity[i][j] * x[i] * (1 - x[j]) for i in range(3) for j in range(3))
    expected = cut / sum(map(sum, affinity))
    value = dense_crf_loss(logit(*x), images, backend=backend, sigma_rgb=10.0, sigma_xy=0.5)
    assert value.shape == (1, 1)
    assert float(value) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_constant_masks_cost_nothing_and_a_mask_of_one_half_a_quarter(backend):
    levels = torch.tensor([-200.0, 200.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 20, 20)
    values = dense_crf_loss(levels, photograph(0, 20, 20), backend=backend)
    assert values[0, :2].tolist() == [0, 0]
    assert float(values[0, 2]) == pytest.approx(0.25)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mask_that_follows_the_colours_costs_less_than_one_that_does_not(backend):
    images = torch.zeros(1, 3, 16, 16)
    images[..., 8:] = 200
    along = torch.full((1, 1, 16, 16), -6.0)
    along[..., 8:] = 6
    values = dense_crf_loss(torch.cat([along, along.transpose(2, 3)], dim=1), images, backend=backend)
    assert float(values[0, 0]) < 0.1 * float(values[0, 1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("working_side", [18, 64])
def test_the_gradient_is_that_of_the_value(backend, working_side):
    logits = torch.randn(2, 2, 20, 21, generator=seeded(), dtype=torch.float64, requires_grad=True)
    images = photograph(1, 20, 21).expand(2, 3, 20, 21)
    valid = torch.rand(2, 1, 20, 21, generator=seeded()) > 0.1
    assert int(valid[0].sum()) > BLOCK  # so that landmarks stand for some pairs

    def loss(logits: Tensor) -> Tensor:
        return dense_crf_loss(logits, images, valid, backend=backend, working_side=working_side, landmarks=20)

    assert torch.autograd.gradcheck(loss, logits, fast_mode=True)


def test_the_landmarks_give_the_exact_gradients_direction_on_pictures_like_photographs():
    lowest = 1.0
    for seed, noise in enumerate((0.0, 6.0, 14.0)):
        image = photograph(seed, noise=noise)
        logits = masks(image, seed)
        value, slope = gradient(logits, image)
        exact_value, exact_slope = gradient(logits, image, backend="exact")
        torch.testing.assert_close(value, exact_value, rtol=0.01, atol=0)
        cosines = torch.cosine_similarity(slope.flatten(2), exact_slope.flatten(2), dim=2)
        lowest = min(lowest, float(cosines.min()))
    assert lowest >= 0.99


def test_more_landmarks_come_closer_to_the_exact_gradient():
    image = photograph(5, noise=12.0)
    logits = masks(image, 5)
    exact = gradient(logits, image, backend="exact")[1]
    errors = [float((gradient(logits, image, landmarks=count)[1] - exact).norm()) for count in (4, 32, 256)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > 0


@pytest.mark.parametrize("height, width", [(1, 1), (1, 13), (16, 15), (2, 2)])
def test_up_to_one_block_of_pixels_the_landmarks_are_exact(height, width):
    image = photograph(2, height, width)
    logits = torch.randn(1, 2, height, width, generator=seeded(), dtype=torch.float64)
    assert height * width <= BLOCK
    for few, exact in zip(gradient(logits, image, landmarks=3), gradient(logits, image, backend="exact"), strict=True):
        torch.testing.assert_close(few, exact)


def test_the_gated_form_is_exact_where_all_pixels_are_neighbours():
    image = photograph(3, 2, 2)
    logits = torch.randn(1, 2, 2, 2, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(gradient(logits, image, backend="gated"), gradient(logits, image, backend="exact"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_ignored_pixels_are_as_if_cut_away(backend):
    # 20 columns and 10 rows less: the longer side stays, and so does sigma.
    image, logits = photograph(4, 30, 40), torch.randn(1, 2, 30, 40, generator=seeded())
    valid = torch.zeros(1, 1, 30, 40, dtype=torch.bool)
    valid[:, :, 10:] = True
    masked_value, masked_slope = gradient(logits, image, valid, backend=backend)
    value, slope = gradient(logits[:, :, 10:], image[:, :, 10:], backend=backend)
    torch.testing.assert_close(masked_value, value, rtol=1e-4, atol=0)
    torch.testing.assert_close(masked_slope[:, :, 10:], slope, rtol=1e-3, atol=1e-8)
    assert int(masked_slope[:, :, :10].count_nonzero()) == 0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("working_side", [12, 64])
def test_what_lies_in_ignored_pixels_changes_nothing(backend, working_side):
    image, logits = photograph(4, 31, 33), torch.randn(1, 1, 31, 33, generator=seeded())
    valid = torch.rand(1, 1, 31, 33, generator=seeded()) > 0.4
    other_image = torch.where(valid, image, 255 - image)
    other_logits = torch.where(valid, logits, -5 * logits)
    first = gradient(logits, image, valid, backend=backend, working_side=working_side)
    second = gradient(other_logits, other_image, valid, backend=backend, working_side=working_side)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_without_a_valid_pixel_costs_nothing_and_pulls_nothing(backend):
    image, logits = photograph(6, 20, 24).expand(2, 3, 20, 24), torch.randn(2, 2, 20, 24, generator=seeded())
    valid = torch.ones(2, 1, 20, 24, dtype=torch.bool)
    valid[1] = False
    values, slope = gradient(logits, image, valid, backend=backend, working_side=16)
    assert values[1].tolist() == [0, 0] and int(slope[1].count_nonzero()) == 0
    assert bool((values[0] > 0).all()) and bool(slope[0].isfinite().all())


@pytest.mark.parametrize("backend", BACKENDS)
def test_images_and_maps_do_not_touch_each_other_and_a_second_call_gives_the_same_bits(backend):
    images = torch.cat([photograph(7, 33, 47), photograph(8, 33, 47)])
    logits = torch.randn(2, 3, 33, 47, generator=seeded())
    values, slope = gradient(logits, images, backend=backend)
    again, slope_again = gradient(logits, images, backend=backend)
    assert torch.equal(values, again) and torch.equal(slope, slope_again)
    for image in range(2):
        for channel in range(3):
            one, own = (slice(image, image + 1), slice(channel, channel + 1)), slice(image, image + 1)
            value, slope_alone = gradient(logits[one], images[own], backend=backend)
            torch.testing.assert_close(value, values[one], rtol=1e-4, atol=0)
            torch.testing.assert_close(slope_alone, slope[one], rtol=1e-3, atol=1e-8)


def test_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    gradient(torch.zeros(1, 1, 30, 30), photograph(0, 30, 30))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_larger_picture_is_computed_at_the_working_size(backend):
    small = photograph(9, 24, 20)
    logits = torch.randn(1, 1, 24, 20, generator=seeded())
    large = small.repeat_interleave(3, 2).repeat_interleave(3, 3)
    large_logits = logits.repeat_interleave(3, 2).repeat_interleave(3, 3)
    value, slope = gradient(large_logits, large, backend=backend, working_side=24)
    expected, small_slope = gradient(logits, small, backend=backend)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=0)
    spread = small_slope.repeat_interleave(3, 2).repeat_interleave(3, 3) / 9
    torch.testing.assert_close(slope, spread, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("dtype, expected", [("bfloat16", "float32"), ("float16", "float32"), ("float64", "float64")])
def test_half_precision_is_computed_in_float32_and_float64_is_kept(dtype, expected):
    logits = torch.randn(1, 1, 20, 20, generator=seeded()).to(getattr(torch, dtype))
    values, slope = gradient(logits, photograph(0, 20, 20).to(torch.uint8))
    assert values.dtype == getattr(torch, expected) and slope.dtype == logits.dtype
    torch.testing.assert_close(values, gradient(logits.to(values.dtype), photograph(0, 20, 20))[0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_autocast_and_the_precision_of_products_change_nothing(backend):
    image, logits = photograph(0, 40, 40), torch.randn(1, 1, 40, 40, generator=seeded())
    expected = dense_crf_loss(logits, image, backend=backend, working_side=32)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(dense_crf_loss(logits, image, backend=backend, working_side=32), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_no_gradient_flows_into_images():
    image = photograph(0, 8, 8).requires_grad_()
    dense_crf_loss(torch.zeros(1, 1, 8, 8, requires_grad=True), image, working_side=4).sum().backward()
    assert image.grad is None


def test_a_second_derivative_is_refused_instead_of_wrong():
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    values = dense_crf_loss(logits, photograph(0, 4, 4))
    with pytest.raises(RuntimeError, match="no second derivative; call backward without create_graph"):
        torch.autograd.grad(values.sum(), logits, create_graph=True)


@pytest.mark.parametrize("batch, maps", [(0, 2), (2, 0)])
def test_an_empty_batch_gives_an_empty_answer(batch, maps):
    logits = torch.zeros(batch, maps, 8, 8, requires_grad=True)
    values = dense_crf_loss(logits, torch.zeros(batch, 3, 8, 8))
    values.sum().backward()
    assert values.shape == (batch, maps)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_of_one_colour_gives_finite_values(backend):
    logits = torch.randn(1, 1, 40, 40, generator=seeded())
    values, slope = gradient(logits, torch.full((1, 3, 40, 40), 128), backend=backend)
    assert 0 < float(values) <= 0.25 and bool(slope.isfinite().all())


def test_the_exact_form_says_what_to_do_on_large_pictures():
    assert dense_crf_loss(torch.zeros(1, 1, 1, 9216), torch.zeros(1, 3, 1, 9216), backend="exact").shape == (1, 1)
    with pytest.raises(ValueError, match=r"at most 96x96 pixels at its working size, got 97x96; use backend='nystrom'"):
        dense_crf_loss(torch.zeros(1, 1, 97, 96), torch.zeros(1, 3, 97, 96), backend="exact")


@pytest.mark.parametrize(
    "logits, images, valid, message",
    [
        (
            (1, 8, 8),
            (1, 3, 8, 8),
            None,
            r"logits must be floating point \(N, K, H, W\) .*, got torch.float32 \(1, 8, 8\)",
        ),
        ((1, 1, 8, 0), (1, 3, 8, 0), None, r"logits must .* of at least one pixel, got"),
        ((1, 1, 8, 8), (1, 1, 8, 8), None, r"images must be \(1, 3, 8, 8\) for these logits, got \(1, 1, 8, 8\)"),
        ((1, 1, 8, 8), (1, 3, 8, 8), (1, 8, 8), r"valid must be bool \(1, 1, 8, 8\) for these logits, got torch.bool"),
    ],
)
def test_wrong_shapes_are_refused(logits, images, valid, message):
    mask = None if valid is None else torch.ones(valid, dtype=torch.bool)
    with pytest.raises(ValueError, match=message):
        dense_crf_loss(torch.zeros(logits), torch.zeros(images), mask)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"backend": "dense"}, "unknown CRF backend 'dense'; use one of nystrom, exact, gated"),
        ({"sigma_rgb": 0.0}, "sigma_rgb and sigma_xy must be positive, got 0.0"),
        ({"sigma_xy": -1.0}, "sigma_rgb and sigma_xy must be positive, got 15.0 and -1.0"),
        ({"landmarks": 0}, "landmarks and working_side must be at least 1, got 0 and 256"),
        ({"working_side": 0}, "landmarks and working_side must be at least 1, got 256 and 0"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        dense_crf_loss(torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8), **settings)


@pytest.mark.parametrize("landmarks", [16, 256])
def test_a_picture_of_one_colour_has_a_finite_loss_near_the_exact_one(landmarks):
    image = torch.full((1, 3, 20, 20), 128.0)
    logits = torch.randn(1, 1, 20, 20, generator=seeded())
    value = dense_crf_loss(logits, image, landmarks=landmarks)
    torch.testing.assert_close(value, dense_crf_loss(logits, image, backend="exact"), rtol=0.02, atol=0)


def test_a_picture_that_is_not_finite_is_refused_by_the_landmarks():
    image = torch.full((1, 3, 8, 8), 128.0)
    image[0, 0, 3, 3] = math.nan
    with pytest.raises(ValueError, match="give images and sigmas that are finite"):
        dense_crf_loss(torch.zeros(1, 1, 8, 8), image)
