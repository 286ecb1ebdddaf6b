import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from meter.errors import InputError
from meter.metrics.image import CHUNK, image_metrics, psnr, ssim


def pictures(seed: int, number: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth pictures with a bright square, and noisy, darkened copies."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = np.sin(rows / 5 + generator.uniform(0, 6, (number, 1, 1))) + np.cos(columns / 7)
    references = np.clip(127 + 50 * waves, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)
    references[:, 3:9, 4:12, 1] = 250
    noise = generator.normal(-6, 14, references.shape)
    return references, np.clip(references + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (16, 24), (48, 48)])
def test_psnr_and_ssim_equal_scikit_image(height, width):
    references, copies = pictures(seed=height, number=3, height=height, width=width)
    for index, (reference, copy) in enumerate(zip(references, copies, strict=True)):
        expected = peak_signal_noise_ratio(reference, copy, data_range=255)
        assert psnr(references, copies)[index] == pytest.approx(expected)
        expected = structural_similarity(
            reference,
            copy,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        assert ssim(references, copies)[index] == pytest.approx(expected, abs=1e-9)


def test_psnr_by_hand():
    black = np.zeros((1, 12, 12, 3), dtype=np.uint8)
    assert psnr(black, black + np.uint8(255))[0] == pytest.approx(0.0)
    assert psnr(black, black + np.uint8(51))[0] == pytest.approx(20 * np.log10(5))


def test_ssim_of_two_flat_pictures_is_the_luminance_term():
    first, second = np.full((1, 16, 16, 3), 100, np.uint8), np.full((1, 16, 16, 3), 50, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(first, second)[0] == pytest.approx((2 * 100 * 50 + c1) / (100**2 + 50**2 + c1))


def test_equal_pictures_are_counted_and_left_out_of_the_mean_psnr():
    references, copies = pictures(seed=0, number=2, height=16, width=16)
    copies[0] = references[0]
    result = image_metrics(references, copies)
    assert (result.identical, result.count) == (1, 2)
    assert result.psnr == pytest.approx(psnr(references, copies)[1])
    assert ssim(references, copies)[0] == pytest.approx(1)
    assert image_metrics(references, references).psnr is None


def test_values_do_not_depend_on_the_batch():
    references, copies = pictures(seed=1, number=CHUNK + 3, height=12, width=12)
    for measure in (psnr, ssim):
        together = measure(references, copies)
        last = measure(references[-1:], copies[-1:])
        assert together[-1] == pytest.approx(last[0], rel=1e-12)


def test_wrong_shapes_are_refused():
    references, copies = pictures(seed=0, number=2, height=16, width=16)
    with pytest.raises(InputError, match="one shape"):
        image_metrics(references[:0], copies[:0])
    small = references[:, :10]
    with pytest.raises(InputError, match="at least 11 pixels, found 10 × 16"):
        ssim(small, small)
