"""Promises of the training step and the augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from segmenter.augment import AugmentSpec, SegmentationSample, augment, draw_affine, photometric, warp_mask
from segmenter.losses import soft_iou_loss
from segmenter.network import MutuallyGuidedNet, normalise_images
from segmenter.training import LossWeights, SegmentationBatch, segmentation_loss

STILL = AugmentSpec(rotation=0, scale=(1, 1), brightness=0, contrast=0, saturation=0, hue=0, noise=0)


def bars(count: int = 4, size: int = 32) -> SegmentationBatch:
    """Bright bars on dark noise; a region is the box around its bar."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 90, (count, 3, size, size), generator=generator, dtype=torch.uint8)
    text = torch.zeros(count, 1, size, size, dtype=torch.uint8)
    region = text.clone()
    for index in range(count):
        top = 4 + 5 * index
        text[index, :, top : top + 4, 8:24] = 255
        region[index, :, top - 3 : top + 7, 4:28] = 255
    images = torch.where(text.bool(), torch.full_like(images, 230), images)
    present = torch.ones(count, dtype=torch.bool)
    return SegmentationBatch(images, text, region, present, present)


def test_a_few_steps_on_bars_lower_the_loss_and_find_the_bars():
    torch.manual_seed(0)
    model = MutuallyGuidedNet(width=4, skips=True).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    batch = bars()
    losses = []
    for _ in range(40):
        parts = segmentation_loss(model, batch, phases=2, weights=LossWeights(lambda1=1.0))
        optimiser.zero_grad()
        parts["loss"].backward()
        optimiser.step()
        losses.append(float(parts["loss"].detach()))
    assert losses[-1] < losses[0] - 1
    with torch.no_grad():
        found = model(normalise_images(batch.images)).text2 > 0
    truth = batch.text > 0
    assert (found & truth).sum() / (found | truth).sum() > 0.8


def test_ignored_pixels_do_not_count():
    torch.manual_seed(1)
    model = MutuallyGuidedNet(width=2).eval()
    batch = bars(2)
    text = batch.text.clone()
    text[:, :, :, 16:] = 128
    loss = segmentation_loss(model, batch._replace(text=text, has_region=~batch.has_region), phases=1)["loss"]
    logits = model(normalise_images(batch.images), phases=1).text
    torch.testing.assert_close(loss, soft_iou_loss(logits[..., :16], batch.text[..., :16] > 0))


def test_bfloat16_gives_a_float32_loss_near_the_full_one():
    torch.manual_seed(2)
    model = MutuallyGuidedNet(width=4).train()
    full, half = (float(segmentation_loss(model, bars(), amp=amp)["loss"].detach()) for amp in ("off", "bf16"))
    assert half == pytest.approx(full, rel=0.05)
    assert segmentation_loss(model, bars(), amp="bf16")["loss"].dtype == torch.float32


def sample(height: int = 40, width: int = 60) -> SegmentationSample:
    image = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    text = np.zeros((height, width), np.uint8)
    text[10:20, 10:30] = 255
    return SegmentationSample(image, text, np.where(text, 255, 0).astype(np.uint8))


def test_augmentation_is_a_function_of_the_generator():
    first, second = (augment(sample(), (32, 64), np.random.default_rng(7)) for _ in range(2))
    third = augment(sample(), (32, 64), np.random.default_rng(8))
    assert np.array_equal(first.image, second.image) and np.array_equal(first.text, second.text)
    assert not np.array_equal(first.image, third.image)


def test_no_ranges_change_nothing():
    source = sample()
    result = augment(source, (40, 60), np.random.default_rng(0), STILL)
    assert np.abs(result.image.astype(int) - source.image).max() <= 1
    assert np.array_equal(result.text, source.text) and np.array_equal(result.region, source.region)


def test_image_and_masks_move_together():
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:44, 16:48] = 255
    mask = image[:, :, 0].copy()
    geometry = AugmentSpec(brightness=0, contrast=0, saturation=0, hue=0, noise=0)
    for seed in range(20):
        moved = augment(SegmentationSample(image, mask, None), (48, 80), np.random.default_rng(seed), geometry)
        assert moved.region is None and moved.image.shape == (48, 80, 3) and moved.text is not None
        counted = moved.text != 128
        assert counted.any()
        apart = (moved.image[:, :, 0] > 127) ^ (moved.text > 128)
        assert (apart & counted).mean() < 0.005, seed


def test_an_inverted_view_keeps_its_masks_and_a_mirrored_one_moves_them_too():
    source = sample()
    negative = augment(source, (40, 60), np.random.default_rng(0), replace(STILL, inversion=1.0))
    assert np.abs(255 - negative.image.astype(int) - source.image).max() <= 1
    assert np.array_equal(negative.text, source.text)
    mirrored = augment(source, (40, 60), np.random.default_rng(0), replace(STILL, mirror=1.0))
    assert np.abs(mirrored.image[::-1, ::-1].astype(int) - source.image).max() <= 1
    assert np.array_equal(mirrored.text[::-1, ::-1], source.text)
    assert np.array_equal(mirrored.region[::-1, ::-1], source.region)


def test_a_square_view_may_be_turned_a_quarter_and_another_is_not():
    rng = np.random.default_rng(2)
    image, text = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), rng.integers(0, 2, (40, 40), np.uint8) * 255
    source, turning = SegmentationSample(image, text, None), replace(STILL, quarter=1.0)
    turned = augment(source, (40, 40), np.random.default_rng(0), turning)
    assert np.abs(turned.image.astype(int) - np.rot90(image)).max() <= 1
    assert np.array_equal(turned.text, np.rot90(text))
    assert augment(source, (40, 60), np.random.default_rng(0), turning).image.shape == (40, 60, 3)


def test_a_step_with_text_masks_alone_leaves_the_region_decoder_as_it_is():
    torch.manual_seed(4)
    model = MutuallyGuidedNet(width=2).train()
    batch = bars(2)
    only_text = batch._replace(has_region=~batch.has_region)
    segmentation_loss(model, only_text, phases=1)["loss"].backward()
    norms = [layer for layer in model.region_decoder.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert all(parameter.grad is None for parameter in model.region_decoder.parameters())
    assert norms and all(int(norm.num_batches_tracked) == 0 for norm in norms)
    assert any(parameter.grad is not None for parameter in model.text_decoder.parameters())


def test_outside_the_source_the_masks_say_ignore():
    small = SegmentationSample(
        np.full((8, 8, 3), 90, np.uint8), np.full((8, 8), 255, np.uint8), np.zeros((8, 8), np.uint8)
    )
    wide = augment(small, (16, 64), np.random.default_rng(0), STILL)
    for mask, value in ((wide.text, 255), (wide.region, 0)):
        assert mask is not None
        assert np.count_nonzero(mask == value) == pytest.approx(256, abs=20)
        assert np.count_nonzero(mask == 128) == mask.size - np.count_nonzero(mask == value)
    assert np.abs(wide.image.astype(int) - 90).max() <= 1


def test_ignored_pixels_stay_ignored():
    mask = np.zeros((32, 32), np.uint8)
    mask[:, :16], mask[8:12] = 128, 255
    matrix = draw_affine((32, 32), (32, 32), np.random.default_rng(0), STILL)
    assert np.array_equal(warp_mask(mask, matrix, (32, 32)), mask)


def test_colour_stays_uint8_and_flat_images_stay_without_artefacts():
    for value in (0, 255):
        flat = np.full((8, 8, 3), value, np.uint8)
        result = photometric(flat, np.random.default_rng(1), AugmentSpec(noise=0))
        assert result.dtype == np.uint8 and np.ptp(result) == 0
