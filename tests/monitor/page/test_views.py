"""The five views of a history that the real engine made, on both databases."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.monitor.page.reading import Node, Site, outline, parsed

pytestmark = pytest.mark.xdist_group("page")

GOLDEN = Path(__file__).parent / "golden"
MODEL = "credit-limit"
MOST_OF_A_KIND = 3
ADDRESSES = {
    "overview": "",
    "model": f"model?m={MODEL}",
    "model-4h": f"model?m={MODEL}&x=4",
    "feature-numeric": f"feature?m={MODEL}&f=income",
    "feature-categorical": f"feature?m={MODEL}&f=country",
    "performance": f"performance?m={MODEL}",
    "alerts": "alerts",
}


def rows(table: Node) -> dict[str, list[str]]:
    """Give the cells of a table's rows by what heads them."""
    lines = table.one("tbody").all("tr")
    return {line.one("th").text: [cell.text for cell in line.all("td")] for line in lines}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_view_consists_of_what_it_consisted_of(site: Site, name: str) -> None:
    found = outline(site.page(ADDRESSES[name]))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("DRIFTD_REWRITE_GOLDEN"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_the_overview_has_a_line_for_each_model_the_loudest_first(site: Site) -> None:
    lines = rows(site.page("").one("table"))
    assert list(lines) == [MODEL, "churn", "fraud"]
    alerts, worst, effect, _, drifted, came, age, waiting, until = lines[MODEL]
    assert alerts.endswith("warning")
    assert (worst, came, age, waiting) == ("income", "80 / 1h", "12 min", "0")
    assert re.fullmatch(r"[1-9] of 1[0-9]", drifted)
    assert effect.endswith(" %")
    assert until == "2026-03-05 03:00"
    assert lines["churn"][0] == "none"
    assert lines["fraud"][1] == "no window judged yet"


def test_the_heatmap_has_every_feature_and_what_drifts_comes_first(site: Site) -> None:
    page = site.page(f"model?m={MODEL}")
    lines = rows(page.one("table", class_="heat"))
    names = [name.removesuffix(" output") for name in lines]
    assert names[0] == "income"
    assert {"income", "country", "tenure_days"} <= set(names[:4])
    assert {"prediction", "score", "label", "bureau_score"} <= set(names)
    strips = page.all("svg", class_="strip")
    assert len(strips) == len(names)
    marks = [len(strip.all("rect", class_="mark")) for strip in strips]
    assert marks[0] > 10
    assert marks[names.index("country")] > 10
    assert marks[names.index("age")] == 0
    cells = strips[0].all("g")
    assert len(cells) == 60
    assert cells[-1].one("title").text.startswith("2026-03-05 02:00 UTC: ")
    assert cells[-1].one("title").text.endswith("drift")


def test_drift_within_segments_says_where_and_whether_only_there(site: Site) -> None:
    found = site.page(f"model?m={MODEL}").one("section", aria_labelledby="segments").one("tbody")
    lines = [(line.one("th").text, *(cell.text for cell in line.all("td"))) for line in found.all("tr")]
    (web,) = (line for line in lines if line[:2] == ("device=web", "tenure_days"))
    assert web[3] == web[4]
    assert int(web[3]) > 5
    (app,) = (line for line in lines if line[:2] == ("device=app", "country"))
    assert int(app[3]) > 5
    assert app[4] == "0"
    assert ("device=app", "tenure_days") not in {line[:2] for line in lines}


def test_a_feature_is_shown_within_each_segment(site: Site) -> None:
    within = site.page(f"feature?m={MODEL}&f=tenure_days").one("section", aria_labelledby="within")
    lines = rows(within)
    assert list(lines) == ["device=web only there", "device=app", "device=branch"]
    assert [len(strip.all("rect", class_="mark")) > 5 for strip in within.all("svg")] == [True, False, False]
    assert lines["device=branch"][-1] == "too few"
    assert not site.page("feature?m=churn&f=tenure_days").all("section", aria_labelledby="within")


def test_pairs_that_came_apart_are_named_with_their_correlations(site: Site) -> None:
    pairs = site.page(f"model?m={MODEL}&x=4").one("section", aria_labelledby="pairs").one("table")
    latest, *_ = rows(pairs).values()
    assert set(latest[0].split(" and ")) == {"open_accounts", "late_payments"}
    assert abs(float(latest[1])) < 0.1
    assert float(latest[2]) > 0.5
    assert not site.page("model?m=churn").all("section", aria_labelledby="pairs")


def test_evidence_that_adds_up_stands_beside_its_threshold_with_the_change(site: Site) -> None:
    page = site.page(f"feature?m={MODEL}&f=tenure_days")
    said = page.one("section", aria_labelledby="values").all("p", class_="facts")[1]
    assert re.search(r"^drift Evidence that adds up: .* [\d.]+, threshold 10.*; changed in", said.text)
    changed = said.one("time").attributes["datetime"]
    assert "2026-03-04T06" <= changed <= "2026-03-04T12"
    (figure,) = (one for one in page.all("figure") if "e-value" in one.one("figcaption").text)
    given = json.loads(figure.one("div", class_="frame").attributes["data-figures"])
    (evidence,), (threshold,) = given["series"], given["levels"]
    alarm = next(i for i, is_bad in enumerate(evidence["bad"]) if is_bad)
    assert max(evidence["value"][:alarm]) < threshold <= evidence["value"][alarm]
    captions = [one.one("figcaption").text for one in page.all("figure")]
    assert not any(caption.startswith("e_detector") for caption in captions)


def test_broken_data_stands_beside_drift(site: Site) -> None:
    broken = rows(site.page(f"model?m={MODEL}").one("section", aria_labelledby="broken").one("table"))
    assert set(broken) == {"bureau_score", "country"}
    assert broken["bureau_score"][0] == "completeness"


def test_a_numeric_feature_is_shown_on_the_bins_of_its_reference(site: Site) -> None:
    page = site.page(f"feature?m={MODEL}&f=income")
    (before, now) = (page.all("rect", class_=f"bar {side}"[4:]) for side in ("reference", "current"))
    assert len(before) == len(now) > 10
    shares = rows(page.one("section", aria_labelledby="values").one("table"))
    total = sum(
        float(line[0].removesuffix(" %").removeprefix("under ")) for line in shares.values() if line[0]
    )
    assert total == pytest.approx(100, abs=3)


def test_a_category_that_was_never_seen_is_marked_as_new(site: Site) -> None:
    page = site.page(f"feature?m={MODEL}&f=country")
    pairs = rows(page.one("table", class_="pairs"))
    assert list(pairs)[:4] == ["DE", "FR", "PT", "ES"]
    assert pairs["BR new"][0] == "0 %"
    assert float(pairs["BR new"][1].removesuffix(" %")) > 10
    names = [figure.one("figcaption").text for figure in page.all("figure")]
    assert any(name.startswith("Unseen categories") for name in names)


def test_labels_which_are_not_counted_with_rows_have_no_empty_picture(site: Site) -> None:
    values = site.page(f"feature?m={MODEL}&f=label").one("section", aria_labelledby="values")
    assert "There is no picture of this window: labels are not counted" in values.text
    assert "of rows moved" in values.text
    assert not values.all("svg")


def test_an_alert_is_drawn_over_the_time_that_it_was_open(site: Site) -> None:
    page = site.page(f"feature?m={MODEL}&f=income")
    effect = page.all("svg", class_="plot")[1]
    span = effect.one("rect", class_="span")
    assert span.one("title").text.startswith("warning alert since 2026-03-0")
    assert 0 < float(span.attributes["x"]) < 1000
    assert float(span.attributes["x"]) + float(span.attributes["width"]) == pytest.approx(1000)
    assert effect.all("path", class_="band")


def test_performance_is_shown_realised_estimated_and_beside_the_challenger(site: Site) -> None:
    page = site.page(f"performance?m={MODEL}")
    captions = [figure.one("figcaption").text for figure in page.all("figure")]
    assert captions[0].startswith("accuracy realised estimated without labels reference")
    assert any(caption.startswith("Labels that have come") for caption in captions)
    assert any(caption.startswith("Errors of the challenger") for caption in captions)


def test_a_model_without_labels_says_why_there_is_no_performance(site: Site) -> None:
    assert "the model has no labels_topics" in site.page("performance?m=churn").one("main").text


def test_alerts_have_their_evidence_and_their_silence(site: Site) -> None:
    page = site.page("alerts")
    cards = [card.text for card in page.all("li", class_="card")]
    (income,) = (card for card in cards if card.startswith("income of"))
    assert "median 2" in income
    (country,) = (card for card in cards if card.startswith("country of") and "covariate" in card)
    assert "silenced by ana until 2026-03-07" in country
    assert "BR 0 % → " in country
    past = rows(page.one("section", aria_labelledby="past").one("table"))
    assert "utilisation" in past
    silences = rows(page.one("section", aria_labelledby="silences").one("table"))
    assert [silences["1"][1], silences["2"][1]] == ["active", "over"]


def test_alerts_of_one_model_are_its_own(site: Site) -> None:
    assert not site.page("alerts?m=churn").all("li", class_="card")


def test_longer_windows_and_earlier_ones_have_addresses_of_their_own(site: Site) -> None:
    page = site.page(f"model?m={MODEL}&x=4&until=2026-03-03T00:00:00Z")
    assert page.one("nav", class_="range").one("a", aria_current="true").text == "4h"
    shown = [at.attributes["datetime"] for at in page.one("nav", class_="range").all("time")]
    assert shown == ["2026-02-21T00:00:00Z", "2026-03-03T00:00:00Z"]
    cells = page.all("svg", class_="strip")[0].all("g")
    assert [cell.one("title").text[:16] for cell in (cells[0], cells[-1])] == [
        "2026-03-01 00:00",
        "2026-03-02 20:00",
    ]
    later = page.one("a", rel="next")
    following = site.page(later.attributes["href"]).one("nav", class_="range")
    assert following.all("time")[1].attributes["datetime"] == "2026-03-05T04:00:00Z"


def test_one_window_of_a_feature_has_an_address_of_its_own(site: Site) -> None:
    page = site.page(f"feature?m={MODEL}&f=income&at=2026-03-03T03:00:00Z")
    values = page.one("section", aria_labelledby="values")
    assert "window of 2026-03-03 03:00" in values.one("h2").text
    assert [each.text for each in values.all("span", class_="verdict")] == ["ok", "ok"]


def test_every_link_leads_somewhere(site: Site) -> None:
    waiting, seen, kinds = ["."], set[str](), Counter[tuple[object, ...]]()
    while waiting:
        address = waiting.pop()
        if address in seen or address.startswith(("static/", "#")):
            continue
        seen.add(address)
        kind = (address.partition("?")[0], "csv=" in address, "until=" in address, "at=" in address)
        kinds[kind] += 1
        if kinds[kind] > MOST_OF_A_KIND:
            continue
        body = site.body("" if address == "." else address)
        waiting += [] if kind[1] else [link.attributes["href"] for link in parsed(body).all("a")]
    assert {address.partition("?")[0] for address in seen} >= {
        ".",
        "model",
        "feature",
        "performance",
        "alerts",
    }


def test_a_table_is_csv_too(site: Site) -> None:
    text = site.body(f"feature?m={MODEL}&f=income&csv=tests")
    found = list(csv.DictReader(io.StringIO(text)))
    assert [row["detector"] for row in found].count("ks") == 60
    assert found[0]["window_start"] == "2026-03-05T02:00:00Z"
    effects = [float(row["effect"]) for row in found if row["detector"] == "ks"]
    assert max(effects) > 0.3


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("model?m=nobody", "there is no model “nobody”"),
        ("model?m=churn&x=3", "windows of 3 base windows are not judged"),
        ("model?m=churn&x=-1", "x is a number of windows"),
        ("model?m=churn&until=soon", "a time looks like"),
        ("model?m=churn&csv=secrets", "there is no such table here"),
        ("alerts?m=nobody", "there is no model “nobody”"),
    ],
)
def test_what_is_not_there_is_said_in_words(site: Site, address: str, said: str) -> None:
    page = site.page(address, status=404)
    assert said in page.one("main").text


def test_a_feature_that_nobody_knows_shows_nothing(site: Site) -> None:
    assert "No window of this length is judged" in site.page("feature?m=churn&f=nobody").one("main").text


@pytest.mark.parametrize("address", ["feature?m=churn&f=age&at=0001-01-01", "model?m=churn&until=9999-12-31"])
def test_times_at_the_ends_of_the_calendar_are_no_mistake(site: Site, address: str) -> None:
    site.page(address)
