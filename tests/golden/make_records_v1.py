#!/usr/bin/env python3
"""Made records-v1.json, once, from docs/format.md alone: what a sealed record says, and what the audit log commits to.

It refuses to write over a file: a vector that was published is kept for ever, a changed format gets a new file.
"""

import base64
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).parent
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def canonical(value):
    """RFC 8785 for what a record holds: all keys are ASCII and all numbers integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def file(media_type, data, **name):
    digest = hashlib.sha256(data).hexdigest()
    return {"attachment": {"data": base64.b64encode(data).decode(), "media_type": media_type, **name, "sha256": digest, "size": len(data)}}


def record(content, **more):
    least = {
        "author_role": "user", "bot": "support-bot", "content": content, "policy_version": 1, "sequence": 1,
        "conversation": "0193c8f0-7b5e-7c3a-9d2e-1f6a5b4c3d2e", "received_at": "2026-11-21T09:06:19.123Z", "tenant": "acme",
    }
    return {**least, **more}


def vector(name, value):
    opening = hashlib.shake_256(b"subrosa golden opening " + name.encode()).digest(32)
    committed = value
    if "attachment" in value["content"]:
        kept = {field: it for field, it in value["content"]["attachment"].items() if field != "data"}
        committed = {**value, "content": {"attachment": kept}}
    return {"name": name, "opening": opening.hex(), "canonical": canonical(value).hex(), "committed": canonical(committed).hex(),
            "commitment": hashlib.sha256(opening + canonical(committed)).hexdigest()}


FINDING = {"class": "EMAIL", "end": 27, "field": "attachment.data", "rule": "email", "score": 99, "start": 6}
RECORDS = {
    "text": record({"text": "Grüße \u2028 \U0001f339 \"\\\n"}),
    "tool call": record({"tool_call": {"arguments": "{\"q\":1}", "name": "crm.lookup", "result": ""}}, author_role="tool"),
    "annotation": record({"annotation": {"about": 1, "note": "seen"}}, sequence=2, author_role="agent"),
    "text file": record(file("text/csv", "name,mail\r\nJo,<EMAIL_7K3Q>\r\n".encode(), name="list für <PERSON_AAAA>.csv"), findings=[FINDING]),
    "picture": record(file("image/png", PNG, name="cat.png"), sequence=3, channel="web", client_id="c-1", supersedes=1),
    "picture without a name": record(file("image/png", PNG)),
}


def main():
    golden = {
        "comment": "Golden vectors of docs/format.md, what a sealed record says. Byte strings in hexadecimal.",
        "canonical_records": [vector(name, value) for name, value in RECORDS.items()],
    }
    with open(HERE / "records-v1.json", "x", encoding="utf-8") as out:
        json.dump(golden, out, indent=1, ensure_ascii=False)
        out.write("\n")


if __name__ == "__main__":
    main()
