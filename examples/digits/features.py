"""Features of a handwritten digit; a loose module beside the notebook, captured with it."""

import numpy as np


def with_symmetry(images: np.ndarray) -> np.ndarray:
    """Append each image's left-right and up-down symmetry to its pixels.

    Args:
        images: Shape (n, 64), the pixels of 8 × 8 images, 0 to 16.

    Returns:
        Shape (n, 66).
    """
    squares = images.reshape(-1, 8, 8)
    left_right = np.abs(squares - squares[:, :, ::-1]).mean(axis=(1, 2))
    up_down = np.abs(squares - squares[:, ::-1, :]).mean(axis=(1, 2))
    return np.column_stack([images, left_right, up_down])
