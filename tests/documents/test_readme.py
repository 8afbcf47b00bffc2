"""README's lines for curl do what stands beside them, run as they are."""

import re

import pytest
from documents import sections
from harness import ROOT, eventually

README = ROOT / "README.md"
SHOWN_ID = "01a207df35614909f0073997"
SHOWN_EVENT = "0601a207df35c179f5da2c74"


def requests(heading):
    """The section's indented requests, in order."""
    text = sections(README)[heading]
    return re.findall(r"^    (curl (?:.*\\\n)*.*)\n", text, re.M)


def identity_in(text):
    return re.search(r'"(?:id|event_id)": *"([0-9a-f]{24})"', text).group(1)


def test_the_first_rotation_goes_as_it_is_shown(http):
    org, shell = http
    create, publish, rotate = requests("A first rotation")
    identity = identity_in(shell.run(create))
    assert org.api.subscription(identity).json["signing_enabled"]
    event = identity_in(shell.run(publish))
    assert org.api.get(f"/v1/public/webhook/event/{event}").json["delivery_ids"] == [identity + event]
    answer = shell.run(rotate.replace(SHOWN_ID, identity))
    assert shell.run(rotate.replace(SHOWN_ID, identity)) == answer, "a repeat yields the same secret"
    assert len(org.api.subscription(identity).json["signing_secrets"]) == 2
    ask, look = (line.replace(SHOWN_ID, identity) for line in requests("Is the receiver ready for the new secret?"))
    assert '"PENDING"' in shell.run(ask) and '"PENDING"' in shell.run(look)


def test_every_operation_of_the_table_answers_with_its_status(http):
    org, shell = http
    identity = org.api.subscribe(name="Billing")["id"]
    event = org.api.publish().json["event_id"]
    text = sections(README)["The API"]
    setting = "".join(re.findall(r"^    (.*\n)", text, re.M)).replace(SHOWN_ID, identity).replace(SHOWN_EVENT, event)
    rows = re.findall(r"^\| [^|]+ \| (\d+)[^|]* \| `(curl .*)` \|$", text, re.M)
    assert len(rows) == text.count("\n| ") - 2, "each row has a line"
    shell.env["OPERATE_KEY"] = org.key_with("operate")
    status = 'curl() { command curl -sS -o /dev/null -w "%{http_code}" "$@"; }\n'
    for expected, line in rows:
        assert shell.run(setting + status + line) == expected, line


@pytest.fixture
def python_receiver():
    """is_authentic as README has it."""
    code = next(code for code in re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S) if "is_authentic" in code)
    names = {}
    exec(code, names)  # noqa: S102  it is ours
    return names["is_authentic"]


def test_the_verifier_in_python_takes_real_deliveries_and_nothing_else(http, receiver, python_receiver):
    org, _ = http
    made = org.api.subscribe(url=receiver.url("/in"))
    fresh = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = eventually(lambda: receiver.deliveries)
    header, body = delivery.header("X-Webhook-Signature"), delivery.body
    for secret in (made["secret"], fresh):
        assert python_receiver(header, body, secret)
        assert python_receiver(header.replace(",", " , "), body, secret)
        assert not python_receiver(header, body + b" ", secret)
        assert not python_receiver(header.replace("v1=", "v0="), body, secret)
    assert not python_receiver(header, body, "whsec_" + "A" * 40)
    for garbage in ("", "t=,v1=", "t=" + "9" * 6000 + ",v1=0", "=,=", header.partition(",")[2]):
        assert not python_receiver(garbage, body, fresh)
