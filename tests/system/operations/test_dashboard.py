"""The dashboard as code: what it asks can be asked, and nothing lies on something else."""

import json

import yaml

from tests.system.operations.promtool import DASHBOARD, DOCKER, panels, promtool, queries


def test_every_expression_of_the_dashboard_is_promql() -> None:
    asked = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(queries())]
    groups = {"groups": [{"name": "panels", "rules": asked}]}
    said = promtool("check", "rules", "/dev/stdin", told=yaml.safe_dump(groups))
    assert f"{len(asked)} rules found" in said


def test_panels_have_names_ids_descriptions_and_a_place_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len({panel["title"] for panel in panels()}) == len(panels())


def test_the_dashboard_uses_the_data_source_that_is_provisioned() -> None:
    provisioning = DOCKER / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))
    used = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert used == {source["uid"] for source in sources["datasources"]}
    providers = yaml.safe_load((provisioning / "dashboards" / "meldingsvakt.yaml").read_text(encoding="utf-8"))
    assert providers["providers"][0]["options"]["path"]
    assert json.loads(DASHBOARD.read_text(encoding="utf-8"))["uid"] == "meldingsvakt"
