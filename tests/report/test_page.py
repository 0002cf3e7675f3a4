"""The page of a report as a file: its size, its policy, and what is in it."""

import base64
import hashlib
import json
import re
from importlib.resources import files

import numpy as np
import pytest
import torch

from gta.evaluation.metrics import predictions, ranks
from gta.names import shown
from gta.report.chosen import choose
from gta.report.html import SCRIPTS, UPLOT_SHA256, page
from gta.report.scored import numbers, packed

from .planted import NASTY, data_of, planted, scores


def decoded(entry: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(entry["data"]), np.dtype(entry["kind"]))


def test_what_the_page_knows_of_each_video():
    found = scores(7, 40)
    found.labels[3] = -1
    has = packed(found)
    known = found.labels >= 0
    values, labels = found.labeled()
    rank, predicted = decoded(has["rank"]), decoded(has["predicted"])
    np.testing.assert_array_equal(rank[known.numpy()], ranks(values, labels).numpy())
    np.testing.assert_array_equal(predicted[known.numpy()], predictions(values, labels).numpy())
    assert rank[3] == 0
    top = found.scores.topk(5, 1)
    np.testing.assert_array_equal(decoded(has["top"]), top.indices.flatten().numpy())
    np.testing.assert_allclose(
        decoded(has["probability"]) / 65535, top.values.flatten().numpy(), atol=1e-5
    )
    own = values.gather(1, labels[:, None])[:, 0].numpy()
    np.testing.assert_allclose(decoded(has["own"])[known.numpy()] / 65535, own, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 65535], "uint16"), ([0, 65536], "uint32"), ([-1, 3], "int32"), ([0.5], "float32")],
)
def test_numbers_are_as_small_as_they_can_be(values, kind):
    entry = numbers(np.array(values))
    assert entry["kind"] == kind
    np.testing.assert_array_equal(decoded(entry), values)


def test_twenty_thousand_videos_of_174_classes_are_at_most_15_megabytes():
    both = scores(174, 20_000), scores(174, 20_000, seed=1)
    text = page("two runs", data_of(*both))
    assert text.count("data:image/webp") >= 140
    assert len(text.encode()) < 15_000_000


def test_no_name_gets_out_of_its_place():
    text = planted(len(NASTY), 10, clips=False)
    assert len(re.findall("<script", text)) == 1 + len(SCRIPTS)
    data = re.search('<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["classes"] == [shown(name) for name in NASTY]


def test_the_policy_allows_these_scripts_and_nothing_from_elsewhere():
    text = planted(3, 6, clips=False)
    policy = re.search('Content-Security-Policy" content="(.*?)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    for script in re.findall("<script>(.*?)</script>", text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    for tag in re.findall("<(?:link|img|iframe|script|a)[^>]*>", text.split("<script")[0]):
        assert "//" not in tag


def test_the_chart_library_is_the_one_that_is_named():
    shipped = files("gta.report") / "page" / "uplot.min.js"
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == UPLOT_SHA256
    assert "MIT" in (files("gta.report") / "page" / "uplot-LICENSE.txt").read_text()
    text = planted(1, 1, clips=False)
    assert UPLOT_SHA256 in text
    assert "Permission is hereby granted" in text


def test_the_hardest_the_easiest_and_some_of_each_mistake_are_chosen():
    found = scores(10, 2000, sure=4)
    chosen = choose(found)
    assert len(chosen) == 150
    assert len({one.index for one in chosen}) == 150
    own = found.scores.gather(1, found.labels[:, None])[:, 0]
    hardest = [one.index for one in chosen if "hardest" in one.why]
    assert len(hardest) == 24
    assert own[hardest].max() < own.median()
    assert int(own.argmin()) in hardest
    labels = found.labels[hardest].bincount()
    assert labels.max() <= 6  # a quarter
    easiest = [one.index for one in chosen if "easiest" in one.why]
    assert own[easiest].min() > own.median()
    wrong = {one.index for one in chosen if "confused" in one.why}
    assert (found.scores[list(wrong)].argmax(1) != found.labels[list(wrong)]).all()


def test_of_few_videos_or_without_labels_there_is_something_to_show():
    found = scores(1, 3)
    assert [one.why for one in choose(found)] == [["easiest"]] * 3
    unknown = scores(5, 40)
    unknown.labels[:] = -1
    chosen = choose(unknown)
    assert len(chosen) == 24
    sure = unknown.scores.max(1).values
    assert chosen[0].index == int(sure.argmax())
    assert torch.isfinite(sure).all()
