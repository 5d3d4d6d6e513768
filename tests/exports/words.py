"""Words with which somebody might want to break out of a format."""

from __future__ import annotations

HOSTILE = {
    "yaml end": "a\n---\ninjected: true\n---\n",
    "yaml flow": '"}, injected: [&a *a, !!python/object x, {',
    "yaml escape": "\\x41\\",
    "quotes": '\'"\\"\'"',
    "json": '","injected":{"a":"',
    "table": "a | b |\n| --- | --- |\n| c",
    "code": "``` ` `` code `",
    "heading": "# Heading\n\n> quote\n\n1. one\n\n***\n",
    "list": "- one",
    "rule": "---",
    "underline": "===",
    "number": "1. one",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)><!--",
    "link": "[click](javascript:alert(1)) ![i](http://evil.example/x.png) <http://evil.example>",
    "autolink": "see http://evil.example/ and www.evil.example and a@evil.example",
    "entity": "&lt;b&gt; &#x3c;",
    "controls": "\x00\x07\x1b[31m\x7f\x85\u2028\u2029\u202e\ufeff",
    "astral": "\U0001f600 é 漢",
    "path": "../../../etc/passwd",
    "blank": " ",
    "long": "x" * 100_000,
    "uri": "javascript:alert(1)//%0a%zz",
}
