"""What the populated collection holds, and how a test uploads to it."""

import json
from collections.abc import Mapping

from httpx2 import Response
from starlette.testclient import TestClient

LEASE = """# Lease of the warehouse

## Rent

The monthly rent is 4,200 euros and is due on the first day of each month.

## Deposit

The tenant pays a deposit of three monthly rents before the keys are handed over.

## Termination

The tenant may terminate the lease with six months of written notice.

## Insurance

The landlord insures the building against fire and storm.
"""

EMPLOYMENT = """劳动合同

第一条 合同期限。本合同期限自二〇二四年三月一日起至二〇二七年二月二十八日止，共三年。

第二条 试用期。试用期为三个月，包含在合同期限之内。试用期工资不低于转正工资的百分之八十。

第三条 工作内容。员工担任软件工程师，负责后端系统的设计、开发和维护，并接受公司的岗位考核。

第四条 工作地点。工作地点为上海市浦东新区。公司因业务需要调整工作地点的，应当与员工协商一致。

第五条 工作时间。实行标准工时制，每日工作八小时，每周工作五天。公司安排加班的，应当征得员工同意。

第六条 劳动报酬。月工资为人民币两万五千元，公司于每月十日前以银行转账方式支付上月工资。

第七条 加班工资。公司安排员工在工作日延长工作时间的，按照正常工资的一点五倍支付加班工资。

第八条 休假。员工每年享有十五天带薪年假。当年未休完的年假可以顺延至次年三月底。病假须提供医院证明。

第九条 社会保险。公司依法缴纳养老、医疗、失业、工伤和生育保险以及住房公积金，个人应缴部分由公司代扣代缴。

第十条 保密义务。员工应当对在工作中知悉的商业秘密保密，合同终止后两年内仍负有保密义务。

第十一条 合同的解除。员工解除合同的，应当提前三十日以书面形式通知公司；在试用期内的，提前三日通知即可。

第十二条 争议解决。因履行本合同发生争议的，双方应当协商解决；协商不成的，可以申请劳动仲裁。
"""

DOCUMENTS: dict[str, tuple[str, dict[str, object]]] = {
    "contracts/lease.md": (
        LEASE,
        {"year": 2019, "court": "HR", "tags": ["lease", "rent"]},
    ),
    "manual.txt": (
        "Maintenance of the pump.\n\nThe filter of the pump must be replaced every 500 operating hours.\n\n"
        "Before opening the housing, disconnect the pump from the mains.\n",
        {"year": 2022, "is_draft": False},
    ),
    "劳动合同.txt": (EMPLOYMENT, {"year": 2021}),
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
