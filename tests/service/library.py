"""What the populated collection holds, and how a test uploads to it."""

import json
from collections.abc import Mapping

from httpx2 import Response
from starlette.testclient import TestClient

DOCUMENTS: dict[str, tuple[str, dict[str, object]]] = {
    "contracts/lease.md": (
        "# Lease of the warehouse\n\n## Rent\n\nThe monthly rent is 4,200 euros and is due on the first day "
        "of each month.\n\n## Termination\n\nThe tenant may terminate the lease with six months of written "
        "notice.\n\n## Insurance\n\nThe landlord insures the building against fire and storm.\n",
        {"year": 2019, "court": "HR", "tags": ["lease", "rent"]},
    ),
    "manual.txt": (
        "Maintenance of the pump.\n\nThe filter of the pump must be replaced every 500 operating hours.\n\n"
        "Before opening the housing, disconnect the pump from the mains.\n",
        {"year": 2022, "is_draft": False},
    ),
    "劳动合同.txt": (
        "劳动合同\n\n第一条 试用期为三个月。\n\n第二条 员工每年享有十五天带薪年假。\n\n"
        "第三条 加班工资按照正常工资的一点五倍支付。\n",
        {"year": 2021},
    ),
    "notes-😀.txt": (
        "😀😀 Notes of the 🎉 party.\n\nThe party 🎂 begins at seven o'clock in the garden 🌳.\n",
        {"year": 2020},
    ),
}


def upload(
    client: TestClient,
    collection: str,
    uri: str,
    data: bytes,
    metadata: Mapping[str, object] | None = None,
) -> Response:
    """Upload bytes under a name, with metadata."""
    form = {"collection": collection, "metadata": json.dumps(dict(metadata or {}))}
    return client.post("/v1/documents", data=form, files={"file": (uri, data)})
