"""Every link from one document to another leads somewhere."""

import pytest
from documents import anchors, documents, links
from harness import ROOT


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for text, target in links(path):
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists() and there.is_relative_to(ROOT), f"[{text}]({target})"
        assert not anchor or anchor in anchors(there), f"[{text}]({target}): no such heading"
