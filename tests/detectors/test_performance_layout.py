from __future__ import annotations

import numpy as np
import pytest

from detectors.outputs import OutputRows
from detectors.performance_layout import MAX_POINTS, PerformanceLayout, lay_out
from tests.detectors.performance_worlds import BINARY, CLASS_ONLY, THREE, World, binary_world, three_world


def layout_of(world: World) -> PerformanceLayout:
    return lay_out(BINARY if world.rows.scores.shape[1] == 1 else THREE, world.rows, world.labels)


def test_scores_of_few_values_are_counted_on_each_value() -> None:
    world = binary_world(np.random.default_rng(1), 5000, digits=2)
    layout = layout_of(world)
    assert layout.points[0].tolist() == np.unique(world.rows.scores).tolist()
    cells = layout.cells_of(0, world.rows.scores[:, 0])
    assert (cells % 2 == 1).all(), "every score is on a point"


@pytest.mark.parametrize("rows", [1, 2, 999, 1000, 1001, 20_000])
def test_there_are_at_most_a_thousand_points_and_each_is_a_score(rows: int) -> None:
    world = binary_world(np.random.default_rng(2), rows)
    points = layout_of(world).points[0]
    assert len(points) == min(rows, MAX_POINTS)
    assert (np.diff(points) > 0).all()
    assert np.isin(points, world.rows.scores).all()
    assert {points[0], points[-1]} == {world.rows.scores.min(), world.rows.scores.max()}


def test_a_cell_is_on_a_point_or_between_two() -> None:
    layout = PerformanceLayout(THREE, points=(np.array([0.2, 0.5]), np.array([0.5]), np.array([])))
    assert layout.starts == (0, 5, 8, 9)
    assert layout.cells_of(0, np.array([0.1, 0.2, 0.3, 0.5, 0.9])).tolist() == [0, 1, 2, 3, 4]
    assert layout.cells_of(1, np.array([0.1, 0.5, 0.9])).tolist() == [5, 6, 7]


def test_groups_hold_about_a_twentieth_of_the_rows_and_split_no_value() -> None:
    world = binary_world(np.random.default_rng(3), 20_000)
    layout = layout_of(world)
    groups = layout.groups_of(world.rows.scores, layout.calibration.posterior(world.rows.scores))
    assert np.bincount(groups).max() <= 1001
    assert layout.groups == groups.max() + 1 == 26
    coarse = binary_world(np.random.default_rng(3), 20_000, digits=1)
    of_score = layout_of(coarse).groups_of(coarse.rows.scores, coarse.rows.scores)
    for score in np.unique(coarse.rows.scores):
        assert len(set(of_score[coarse.rows.scores[:, 0] == score].tolist())) == 1


def test_groups_of_several_classes_are_of_the_largest_posterior() -> None:
    world = three_world(np.random.default_rng(4), 9000)
    layout = layout_of(world)
    posterior = layout.calibration.posterior(world.rows.scores)
    groups = layout.groups_of(world.rows.scores, posterior)
    order = np.argsort(posterior.max(axis=1), kind="stable")
    assert (np.diff(groups[order]) >= 0).all()
    assert groups.max() > 15
    assert sum(len(points) for points in layout.points) <= 2000


def test_constant_scores_make_one_group() -> None:
    rows = OutputRows(np.ones(10), np.full((10, 1), 0.7))
    layout = lay_out(BINARY, rows, np.ones(10))
    assert layout.groups == 1
    assert layout.points[0].tolist() == [0.7]


def test_without_scores_there_are_no_cells() -> None:
    layout = lay_out(CLASS_ONLY, OutputRows(np.ones(3), np.zeros((3, 0))), np.ones(3))
    assert (layout.places, layout.groups, layout.starts) == (3, 0, (0,))
