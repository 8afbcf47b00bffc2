"""A strict reader of Prometheus' text format, version 0.0.4: raises where a text is not exactly that."""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
ENDINGS = {"counter": {""}, "gauge": {""}, "histogram": {"_bucket", "_sum", "_count"}}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Family:
    def __init__(self, name, kind):
        self.name, self.kind, self.samples = name, kind, {}

    def value(self, **labels):
        """Of the sample with exactly these labels."""
        return self.samples[self.name, tuple(sorted(labels.items()))]

    def labels(self, label):
        return [dict(labels)[label] for _, labels in self.samples]


def unescape(text):
    return re.sub(r"\\.", lambda match: ESCAPES[match[0]], text)


def read_sample(line):
    match = SAMPLE.fullmatch(line)
    assert match, line
    labels = {name: unescape(value) for name, value in re.findall(LABEL, match[2] or "")}
    value = float(match[7])
    assert math.isfinite(value) and value >= 0, line
    return match[1], tuple(sorted(labels.items())), value


def check_histogram(family):
    buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in family.samples.items() if name.endswith("_bucket")]
    assert buckets == sorted(buckets) and buckets[-1][0] == math.inf
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert family.samples[family.name + "_count", ()] == buckets[-1][1]
    assert (family.samples[family.name + "_sum", ()] > 0) <= (buckets[-1][1] > 0)


def parse(text):
    """{name: Family}. A family is HELP, TYPE, then its samples, all together and once."""
    assert text.endswith("\n") and "\n\n" not in text
    families, lines = {}, iter(text.splitlines())
    family = None
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            kind_line = next(lines).split(" ")
            assert re.fullmatch(NAME, name) and name not in families and len(line.split(" ", 3)) == 4
            assert kind_line[:3] == ["#", "TYPE", name] and len(kind_line) == 4 and kind_line[3] in ENDINGS
            family = families[name] = Family(name, kind_line[3])
            assert family.kind != "counter" or name.endswith("_total")
            continue
        name, labels, value = read_sample(line)
        assert name.removeprefix(family.name) in ENDINGS[family.kind] and name.startswith(family.name), line
        assert (name, labels) not in family.samples, line
        family.samples[name, labels] = value
    for family in families.values():
        if family.kind == "histogram":
            check_histogram(family)
    return families
