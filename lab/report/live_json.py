"""What happens, as one JSON object for each part of a moment: the same keys in the same order for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.live.news import Appears, Item, News, Note
from lab.timeline.model import CallMade, Moment, SegmentSent, StateChange

Object = dict[str, Any]


def begin_object(lab: str, addresses: Mapping[str, str], zero_ns: int, lacks: Sequence[str]) -> Object:
    """Return the first object: which lab, whose addresses, and what is not recorded (codes)."""
    return {
        "kind": "begin",
        "time_ns": zero_ns,
        "lab": lab,
        "addresses": dict(addresses),
        "calls": not lacks,
        "lacks": list(lacks),
    }


def item_object(item: Item) -> Object:
    """Return an item's object. `time_ns` is when it is told of (ns since the epoch)."""
    match item:
        case Appears():
            return {
                "kind": "program",
                "time_ns": item.time_ns,
                "host": item.host,
                "program": item.program,
                "pid": item.pid,
            }
        case Note():
            return {"kind": "note", "time_ns": item.time_ns, "code": item.code, **item.params}
        case News():
            return _news(item)


def _news(news: News) -> Object:
    moment, talk = news.moment, news.talk
    common: Object = {
        "kind": "",
        "part": news.part.value,
        "time_ns": news.time_ns,
        "lane": moment.lane.value,
        "host": moment.host,
        "client": str(talk.client) if talk else None,
        "server": str(talk.server) if talk else None,
        "program": news.program,
        "source": moment.source.value,
    }
    match moment.what:
        case CallMade() as call:
            return common | _call(news, moment, call)
        case StateChange() as change:
            listener = str(news.listener) if news.listener else None
            before = change.before.value if change.before else None
            return common | {"kind": "state", "state": change.state.value, "before": before, "listener": listener}
        case SegmentSent() as sent:
            return common | {
                "kind": "segment",
                "from": "client" if sent.from_client else "server",
                "flags": sent.segment.flags.letters,
                "seq": sent.seq,
                "ack": sent.ack,
                "length": sent.segment.length,
                "window": sent.segment.window,
                "again": sent.again,
                "reason": sent.reason,
                "left_ns": moment.time_ns,
                "arrived_ns": moment.ended_ns,
            }


def _call(news: News, moment: Moment, call: CallMade) -> Object:
    returned = news.part.value in ("whole", "return")
    return {
        "kind": "call",
        "call": call.name,
        "pid": call.pid,
        "fd": call.fd,
        "result": call.result if returned else None,
        "error": call.error if returned else None,
        "begun_ns": news.again.begun_ns if news.again else moment.time_ns,
        "ended_ns": moment.ended_ns if returned else None,
        "times": news.again.times if news.again else 1,
    }
