"""What SECURITY.md says is to be done when something has leaked, done as it says, and what then holds."""

import json
import re

from documents import shell_lines
from harness import ROOT
from receiver import Answer

DOCUMENT = ROOT / "SECURITY.md"


def lines(heading):
    return shell_lines(DOCUMENT, heading)


def prepared(shell, **variables):
    """The variables that the document sets first, and those of the case."""
    setting = lines("When something has leaked")[0]
    return lambda block: shell.run(f"{setting}\n" + "".join(f"{k}={v}\n" for k, v in variables.items()) + block)


class OneSecret:
    """A receiver that has one secret."""

    def __init__(self, secret):
        self.secret = secret

    def __call__(self, delivery):
        return Answer(204 if delivery.is_signed_with(self.secret) else 401)


def test_a_signing_secret_that_leaked_is_changed_without_a_delivery_being_refused(http, receiver):
    org, shell = http
    made = org.api.subscribe(url=receiver.url("/in"))
    run = prepared(shell, id=made["id"])
    rotate, probe, revoke = lines("A signing secret")
    receiver.on_delivery = OneSecret(made["secret"])
    fresh = json.loads(run(rotate))["secret"]
    org.api.publish()
    org.installation.deliver_once()
    receiver.on_delivery = OneSecret(fresh)
    ask, look = probe.splitlines()
    assert json.loads(run(ask))["status"] == "PENDING"
    org.installation.deliver_once()
    assert json.loads(run(look))["ready"] is True
    assert json.loads(run(revoke)) == {"revoked": 1}
    org.api.publish()
    org.installation.deliver_once()
    assert [d["status"] for d in org.api.all_deliveries(made["id"])] == ["DELIVERED"] * 2
    assert receiver.deliveries[-1].is_signed_by_exactly([fresh])


def test_an_api_key_that_leaked_is_refused_from_then_on(http):
    org, shell = http
    key_id = org.api.get("/v1/whoami").json["id"]
    (block,) = lines("An API key")
    output = prepared(shell, key_id=key_id)(block)
    assert key_id in output and org.api.page().status == 401
    assert org.api.with_key(re.findall(r"^hk_.*$", output, re.M)[-1]).page().status == 200


def test_a_master_key_that_leaked_opens_no_new_backup_and_all_secrets_are_others(http):
    org, shell = http
    ids = [org.api.subscribe()["id"] for _ in range(3)]
    before = {i: org.api.subscription(i).json["signing_secrets"][0]["fingerprint"] for i in ids}
    old_key = (org.installation.data / "master.key").read_text()
    (org.installation.directory / "backups").mkdir(mode=0o777)
    (org.installation.directory / "backups").chmod(0o777)  # the service's user writes there
    run = prepared(shell, backups=org.installation.directory / "backups")
    change, rotate_all = lines("The master key")
    run(change)
    assert (org.installation.data / "master.key").read_text() != old_key
    assert len(list((org.installation.directory / "backups").iterdir())) == 1
    first = run(rotate_all)
    assert set(re.findall(r"^[0-9a-f]{24}(?=: )", first, re.M)) == set(ids)
    assert len(set(re.findall(r"whsec_[A-Za-z0-9+/]{40}", first))) == 3
    assert re.findall(r"whsec_[^\"]+", run(rotate_all)) == re.findall(r"whsec_[^\"]+", first), "a repeat yields the same"
    for identity in ids:
        newest = org.api.subscription(identity).json["signing_secrets"][0]["fingerprint"]
        assert newest != before[identity]


def test_after_the_whole_machine_leaked_no_key_of_before_is_valid(http):
    org, shell = http
    keys = [org.key, org.key_with("read")]
    old_key = (org.installation.data / "master.key").read_text()
    (block,) = lines("The whole machine")
    fresh = prepared(shell)(f'{block}\necho "$HOOKTURN_KEY"').split()[-1]
    assert [org.api.with_key(key).page().status for key in keys] == [401, 401]
    assert org.api.with_key(fresh).page().status == 200
    assert (org.installation.data / "master.key").read_text() != old_key
