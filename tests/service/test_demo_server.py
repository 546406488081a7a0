"""The demo as it is tried: a folder of its own, whatever the operator's settings say, and jobs that end."""

import os
import re
import shutil
from pathlib import Path

import httpx

from customer_export.demo.customers import TYPICAL
from program import start_program
from servers import PATIENCE_SECONDS, free_port, wait_until


def test_jobs_of_the_demo_are_done_in_its_own_folder(tmp_path: Path, demo_shop: Path) -> None:
    folder = tmp_path / "my demo"
    folder.mkdir()
    shutil.copy(demo_shop, folder / "demo-shop.db")
    output = tmp_path / "demo.log"
    output.touch()
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path / 'operators.db'}",
        "SOURCE_URL": f"sqlite:///{tmp_path / 'operators-shop.db'}",
        "STORAGE_URL": f"file://{tmp_path / 'operators'}",
        "EXPORT_PDF_PROCESSES": "1",
    }
    demo = start_program(
        ["demo", "--folder", folder, "--port", str(free_port())],
        environment=environment,
        folder=tmp_path,
        output=output,
        errors=output,
    )
    try:

        def found(pattern: str) -> str:
            assert demo.exitcode is None, output.read_text(encoding="utf-8")
            match = re.search(pattern, output.read_text(encoding="utf-8"))
            return match[1] if match else ""

        wait_until(lambda: found("running on (http://[0-9.]+:[0-9]+)"), what="the demo to listen")
        with httpx.Client(
            base_url=found("running on (http://[0-9.]+:[0-9]+)"),
            headers={"Authorization": f"Bearer {found('TOKEN=(cex_[A-Za-z0-9_-]+)')}"},
            timeout=PATIENCE_SECONDS,
        ) as client:
            wanted = {"customer": TYPICAL.id, "format": "json"}
            job = client.post("/api/admin/exports", json=wanted).raise_for_status().json()
            path = job["links"]["self"]
            wait_until(lambda: client.get(path).json()["state"] == "finished", what="the job", patience_seconds=90)
    finally:
        demo.terminate()
        demo.join(PATIENCE_SECONDS)
    assert demo.exitcode == 0
    assert list((folder / "files").rglob(f"customer-{TYPICAL.id}-*.json"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["demo.log", "my demo"]
