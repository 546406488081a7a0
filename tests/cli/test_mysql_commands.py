"""The way from a MariaDB's URL to a first file, by what is typed."""

from pathlib import Path

from customer_export.demo.customers import TYPICAL
from program import Run


def test_a_map_of_a_mariadb_is_written_and_works_unedited(run: Run, tmp_path: Path, mariadb_shop: str) -> None:
    written = run("map", "init", mariadb_shop, "--customer", "customers")
    assert written.returncode == 0, written.stderr
    drafted = (tmp_path / "map.toml").read_text()
    assert 'key_type = "uuid"' in drafted
    told = {"SOURCE_URL": mariadb_shop, "SOURCE_MAP": "map.toml"}
    exported = run("export", TYPICAL.id, "--format", "json", "-o", "customer.json", **told)
    assert exported.returncode == 0, exported.stderr
    assert "101 rows" in exported.stderr
    checked = run("map", "check", **told)
    assert checked.returncode == 0, checked.stdout
    assert "MariaDB" in checked.stdout


def test_a_url_that_is_wrong_is_told_in_one_line(run: Run) -> None:
    refused = run("map", "init", "mysql://reader:s3cret@host/shop?sslmode=require")
    assert refused.returncode == 1
    assert "parameter 'sslmode' that is not known; did you mean ssl-mode?" in refused.stderr
    assert "s3cret" not in refused.stderr
