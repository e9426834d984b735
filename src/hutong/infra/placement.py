"""Where each table lives when the house grows past one machine: one dict, read by migrations and checks.

reference   small, seldom written, on every node
city        sharded by city_id, which is the first column of every key
member      sharded by member_id
key:<col>   sharded by that column (a value that must be globally unique)
local       on the coordinator only
"""

PLACEMENT: dict[str, str] = {
    # infra
    "infra.facts": "city",
    "infra.handled": "city",
    "infra.answers": "city",
    "infra.limits": "key:bucket",
}
