"""What members want to be told: history rows, the newest counts."""

from collections.abc import Sequence
from datetime import datetime

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal
from hutong.people.choices import DEFAULTS, Choose, Consent
from hutong.people.own import choices_of


async def choose(tx: Tx, requests: Sequence[Choose], *, now: datetime) -> list[Consent | Refusal]:
    """Note choices with their time and the version of the words; what is chosen already is not noted again.

    Refusals: BadInput for what cannot be chosen (messages about one's own orders in the app always come).
    Placement: the member's own shard.
    """
    now_held = await choices_of(tx, [r.member_id for r in requests])
    sound = [(r.purpose, r.channel) in DEFAULTS for r in requests]
    new: dict[tuple[object, ...], Choose] = {}
    for request, good in zip(requests, sound, strict=True):
        held = now_held.get(request.member_id, DEFAULTS)
        name = (request.member_id, request.purpose, request.channel)
        if good and (name in new or held[request.purpose, request.channel] != request.given):
            new[name] = request
    asked = list(new.values())
    await tx.run(
        """insert into people.consents (member_id, consent_id, purpose, channel, given, text_version, at)
           select member_id, consent_id, purpose, channel, given, version, %(now)s
           from unnest(%(members)s::uuid[], %(consents)s::uuid[], %(purposes)s::text[], %(channels)s::text[],
                       %(givens)s::boolean[], %(versions)s::text[])
                as w (member_id, consent_id, purpose, channel, given, version)
           on conflict (member_id, consent_id) do nothing""",
        members=[r.member_id for r in asked],
        consents=[r.consent_id for r in asked],
        purposes=[r.purpose for r in asked],
        channels=[r.channel for r in asked],
        givens=[r.given for r in asked],
        versions=[r.text_version for r in asked],
        now=now,
    )
    return [
        Consent(purpose=r.purpose, channel=r.channel, given=r.given, text_version=r.text_version, at=now)
        if good
        else BadInput(field="purpose", why=", ".join(sorted({p for p, _ in DEFAULTS})))
        for r, good in zip(requests, sound, strict=True)
    ]
