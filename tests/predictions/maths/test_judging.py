import math

import numpy as np
import pytest

from predictions.maths.judging import area_under_curve, calibration, expected_calibration_error, log_loss


def test_log_loss_by_hand():
    assert log_loss(np.array([0.8, 0.4]), np.array([True, False])) == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)


def test_area_by_hand_with_a_tie():
    # Pairs of one to whom it happened and one to whom it did not: 0.9>0.5, 0.9>0.2, 0.5=0.5, 0.5>0.2 make 3.5 of 4.
    score, happened = np.array([0.9, 0.5, 0.5, 0.2]), np.array([True, True, False, False])
    assert area_under_curve(score, happened) == pytest.approx(3.5 / 4)


def test_calibration_error_weighs_bins_by_size():
    probability = np.array([0.05] * 6 + [0.95] * 4)
    happened = np.array([False] * 6 + [True, True, True, False])
    assert calibration(probability, happened) == [(pytest.approx(0.05), 0.0, 6), (pytest.approx(0.95), 0.75, 4)]
    assert expected_calibration_error(probability, happened) == pytest.approx(0.6 * 0.05 + 0.4 * 0.2)


def test_nobody_has_no_score():
    nobody = np.array([]), np.array([], dtype=bool)
    assert math.isnan(log_loss(*nobody))
    assert math.isnan(expected_calibration_error(*nobody))
    assert math.isnan(area_under_curve(*nobody))
