"""The numbers: named after what they count, labelled by what we wrote and never by what a caller typed."""

import os
import subprocess
import sys

import pytest

from hutong.infra import metrics
from hutong.infra.batches import BatchRun
from hutong.infra.relay import Backlog


def rendered() -> dict[str, float]:
    lines = metrics.render().decode().splitlines()
    return {name: float(number) for name, _, number in (x.rpartition(" ") for x in lines if x and x[0] != "#")}


@pytest.fixture
def change():
    """By how much each number grew since the test began."""
    before = rendered()
    return lambda name: rendered()[name] - before.get(name, 0.0)


def test_requests_are_counted_by_route_and_status(change):
    metrics.request_done(route="/orders/{order_id}", method="GET", status=404, seconds=0.02)
    assert change('hutong_http_requests_total{method="GET",route="/orders/{order_id}",status="404"}') == 1
    assert change('hutong_http_request_seconds_count{method="GET",route="/orders/{order_id}"}') == 1
    assert change('hutong_http_request_seconds_bucket{le="0.01",method="GET",route="/orders/{order_id}"}') == 0


def test_batches_tell_size_wait_and_splits(change):
    metrics.batch_done(BatchRun(name="redeem", city_id=1, size=3, parts=1, waited_s=0.001, ran_s=0.02, again={}))
    again = {"deadlock": 2}
    metrics.batch_done(BatchRun(name="redeem", city_id=2, size=5, parts=3, waited_s=0.001, ran_s=0.02, again=again))
    metrics.waiting({"redeem": 4})
    assert change('hutong_batch_size_count{operation="redeem"}') == 2
    assert change('hutong_batch_size_sum{operation="redeem"}') == 8
    assert change('hutong_batch_splits_total{operation="redeem"}') == 1
    assert change('hutong_batch_seconds_sum{operation="redeem"}') == pytest.approx(0.04)
    assert change('hutong_db_retries_total{reason="deadlock"}') == 2
    assert rendered()['hutong_batch_waiting{operation="redeem"}'] == 4


def test_the_rest_of_the_house(change):
    metrics.refusals.labels("sold_out").inc()
    metrics.forged_callbacks.labels("sandbox").inc()
    metrics.retries.labels("40P01").inc()
    metrics.task_done("orders.expire", outcome="done", seconds=0.1)
    metrics.backlog(Backlog(waiting=7, oldest_s=2.5, dead=1))
    metrics.pool({"writers_pool_size": 8, "readers_requests_waiting": 2})
    assert change('hutong_refusals_total{code="sold_out"}') == 1
    assert change('hutong_forged_callbacks_total{provider="sandbox"}') == 1
    assert change('hutong_db_retries_total{reason="40P01"}') == 1
    assert change('hutong_tasks_total{outcome="done",task="orders.expire"}') == 1
    now = rendered()
    assert (now["hutong_relay_waiting"], now["hutong_relay_lag_seconds"], now["hutong_dead_deliveries"]) == (7, 2.5, 1)
    assert now['hutong_db_pool{pool="writers",what="pool_size"}'] == 8
    assert now['hutong_db_pool{pool="readers",what="requests_waiting"}'] == 2


def test_every_number_says_what_it_is():
    helped = {line.split()[2] for line in metrics.render().decode().splitlines() if line.startswith("# HELP hutong_")}
    assert len(helped) >= 17
    assert not [line for line in metrics.render().decode().splitlines() if "_created" in line]


WORKER = """
from hutong.infra import metrics
metrics.refusals.labels("sold_out").inc(2)
metrics.pool({"writers_pool_size": 4})
print(metrics.render().decode())
"""


def test_processes_of_one_family_add_up(tmp_path):
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "counter_1.db").write_bytes(b"left by the run before")
    env = {**os.environ, **metrics.shared(tmp_path / "numbers")}
    assert not list((tmp_path / "numbers").iterdir())
    for total in (2.0, 4.0):
        done = subprocess.run([sys.executable, "-c", WORKER], env=env, capture_output=True, text=True, check=True)
        assert f'hutong_refusals_total{{code="sold_out"}} {total}' in done.stdout
        # what the first one held went with it, what it counted stays
        assert 'hutong_db_pool{pool="writers",what="pool_size"} 4.0' in done.stdout
