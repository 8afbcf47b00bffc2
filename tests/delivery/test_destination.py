"""Where a delivery may go, what it trusts there, and that one destination delays no other."""

import threading
import time

import pytest
from receiver import Answer, Receiver, make_certificate


def test_without_permission_nothing_reaches_this_machine(service, receiver, fixed_retry):
    org = service(clock=True, allow_destinations="")
    for name in ["localhost", "LOCALHOST", "localhost."]:
        org.api.subscribe(url=receiver.url("/in", host=name), retry_policy=fixed_retry)
    assert org.api.publish().json["delivery_count"] == 3
    for step in range(4):
        org.installation.deliver_at(step * 60_000)
    assert receiver.connections == 0


def test_a_blocked_delivery_is_retried_by_policy_and_arrives_once_it_is_allowed(service, receiver, fixed_retry):
    org = service(clock=True, allow_destinations="")
    org.api.subscribe(url=receiver.url("/in", host="localhost"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    assert receiver.connections == 0
    org.installation.configure(allow_destinations=f"localhost:{receiver.port}")
    org.installation.deliver_at(60_000)
    assert receiver.wait_for(1)[0].header("X-Webhook-Attempt") == "2"


def test_a_port_that_is_denied_since_is_not_connected_to(service, receiver, fixed_retry):
    org = service(clock=True)
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.configure(deny_ports=f"22 {receiver.port}")
    org.installation.deliver_at(0)
    assert receiver.connections == 0


def test_a_proxy_of_the_environment_is_not_used(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    proxies = {name: "http://127.0.0.1:9/" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
    org.installation.deliver_once(env=proxies)
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_that_is_trusted_and_names_the_host_is_accepted(service, tmp_path, host):
    org = service()
    certificate = make_certificate(tmp_path)
    with Receiver(tls=certificate) as receiver:
        made = org.api.subscribe(url=receiver.url("/in", host=host))
        org.api.publish()
        org.installation.deliver_once(env={"SSL_CERT_FILE": certificate[0]})
        assert receiver.wait_for(1)[0].is_signed_with(made["secret"])


def test_an_untrusted_certificate_and_a_wrong_name_are_refused(service, tmp_path, no_retry):
    org = service()
    for directory in ("trusted", "other"):
        (tmp_path / directory).mkdir()
    trusted = make_certificate(tmp_path / "trusted", names=["DNS:another.example"])
    other = make_certificate(tmp_path / "other")
    with Receiver(tls=trusted) as wrong_name, Receiver(tls=other) as untrusted:
        for receiver in (wrong_name, untrusted):
            org.api.subscribe(url=receiver.url("/in", host="localhost"), retry_policy=no_retry)
        org.api.publish()
        org.installation.deliver_once(env={"SSL_CERT_FILE": trusted[0]})
        assert wrong_name.deliveries == untrusted.deliveries == []
        assert wrong_name.connections == untrusted.connections == 1


def test_plain_http_on_an_https_url_fails_and_leaks_nothing(service, receiver, no_retry):
    org = service()
    org.api.subscribe(url=f"https://127.0.0.1:{receiver.port}/in", retry_policy=no_retry)
    org.api.publish()
    org.installation.deliver_once()
    assert receiver.deliveries == []


def test_a_host_gets_no_more_requests_at_a_time_than_allowed(service):
    org = service(destination_concurrency=3)
    now, most, lock, gate = [0], [0], threading.Lock(), threading.Semaphore(0)

    def hold(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.acquire(timeout=0.1)
        with lock:
            now[0] -= 1

    with Receiver(on_delivery=hold) as receiver:
        for number in range(4):
            org.api.subscribe(url=receiver.url(f"/{number}"))
        for _ in range(6):
            org.api.publish()
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 24
        assert 2 <= most[0] <= 3


def test_a_host_that_hangs_delays_no_other(service, receiver):
    org = service(destination_concurrency=2, concurrency=8)
    with Receiver(host="127.0.0.2") as dead:
        dead.script("/in", Answer(behaviour="hang"))
        org.api.subscribe(url=dead.url("/in"), request_timeout_ms=20_000)
        org.api.subscribe(url=receiver.url("/in"))
        for _ in range(30):
            org.api.publish()
        org.installation.start_worker()
        started = time.monotonic()
        receiver.wait_for(30, timeout=15)
        assert time.monotonic() - started < 15
        assert 1 <= len(dead.deliveries) <= 2
