"""Docker's state of a container in every situation of its life, and its words in `docker ps`."""

import pytest
from container_samples import (
    BEFORE_END,
    FINISHED,
    NOW,
    RUNNING,
    STARTED,
    TAKEN,
    container,
    ended,
    image_with,
    pod,
    running,
    waiting,
)

from d2k.translate import annotations as marks
from d2k.translate.record import Exit
from d2k.translate.state import (
    Problem,
    State,
    current_pod,
    exit_of,
    pod_problem,
    replica_problem,
    runtime_message,
    start_exit_code,
    state_of,
    status_text,
    was_taken_away,
)
from d2k.translate.times import SECOND

DONE = Exit(1, 3, started_at=STARTED, finished_at=FINISHED)
EXITED = State("exited", exit_code=3, started_at=STARTED, finished_at=FINISHED)
UP = State("running", started_at=STARTED)
ALWAYS = {"HostConfig": {"RestartPolicy": {"Name": "always"}}}
GATED = pod("pod-new", gated=True, created="2026-01-02T03:06:30Z")
NO_COMMAND = 'failed to create containerd task: exec: "nope": executable file not found in $PATH'
SHOWN_NO_COMMAND = 'failed to create task for container: exec: "nope": executable file not found in $PATH'
QUOTA = {
    "observedGeneration": 1,
    "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q"}],
}


def of(found):
    return state_of(found, NOW)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (container(), State("created")),
        (running(), State("created")),
        (running(pods=[GATED]), State("created")),
        (running(pods=[pod(phase="Pending", main=False)]), State("created")),
        (running(pods=[pod(phase="Pending", state=waiting("ContainerCreating"))]), State("created")),
        (running(pods=[pod(state=RUNNING)]), UP),
        (running(pods=[pod(phase="Failed", state=ended(3))]), EXITED),
        (running(pods=[pod(phase="Failed", state=ended(3)), GATED]), EXITED),
        (running(desired="stopped", end=DONE), EXITED),
        (running(desired="stopped", end=DONE, pods=[pod(phase="Failed", state=ended(9))]), EXITED),
        (running(desired="stopped", pods=[pod(state=RUNNING, deadline=1)]), UP),
        (running(desired="stopped"), State("exited", exit_code=137)),
        (running(run=2, end=DONE, pods=[pod(phase="Failed", state=ended(3)), GATED]), EXITED),
        (
            running(run=2, end=DONE, pods=[pod(run="2", state=RUNNING)]),
            State("running", started_at=STARTED, finished_at=FINISHED),
        ),
        (
            running(pods=[pod(phase="Failed", state=ended(137, "OOMKilled"))]),
            State("exited", exit_code=137, oom_killed=True, started_at=STARTED, finished_at=FINISHED),
        ),
        (
            running(ALWAYS, pods=[pod(run="", state=RUNNING, last=ended(1), restarts=4)]),
            State("running", started_at=STARTED, finished_at=FINISHED, restart_count=4),
        ),
        (
            running(
                ALWAYS, pods=[pod(run="", state=waiting("CrashLoopBackOff", "back-off 10s"), last=ended(3), restarts=4)]
            ),
            State("restarting", 3, error="back-off 10s", started_at=STARTED, finished_at=FINISHED, restart_count=4),
        ),
        (
            running(ALWAYS, pods=[pod(run="", state=ended(3), restarts=1)]),
            State("restarting", exit_code=3, started_at=STARTED, finished_at=FINISHED, restart_count=1),
        ),
        (
            running(pods=[pod(phase="Failed", state=ended(143), conditions=TAKEN)]),
            State("restarting", exit_code=143, started_at=STARTED, finished_at=FINISHED),
        ),
        (
            running(pods=[pod(state=ended(143), deleting=BEFORE_END)]),
            State("restarting", exit_code=143, started_at=STARTED, finished_at=FINISHED),
        ),
        (
            running(desired="stopped", pods=[pod(state=ended(143), deleting=BEFORE_END)]),
            State("exited", exit_code=143, started_at=STARTED, finished_at=FINISHED),
        ),
        (container(notes={marks.DESIRED: "removing"}), State("removing")),
        (
            running(desired="removing", end=DONE),
            State("removing", exit_code=3, started_at=STARTED, finished_at=FINISHED),
        ),
        (
            running(pods=[pod(phase="Pending", state=waiting("ErrImagePull", "not found"))]),
            State("created", error="not found", reason="ErrImagePull"),
        ),
        (
            running(
                pods=[
                    pod(
                        phase="Pending",
                        main=False,
                        conditions=[
                            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}
                        ],
                    )
                ]
            ),
            State("created", error="0/1", reason="Unschedulable"),
        ),
        (
            running(pods=[pod(phase="Failed", state=ended(128, "StartError", NO_COMMAND))]),
            State("created", exit_code=127, error=SHOWN_NO_COMMAND),
        ),
        (
            running(desired="stopped", end=Exit(1, 127, error="nope")),
            State("created", exit_code=127, error="nope"),
        ),
        (running(status=QUOTA), State("created", reason="exceeded quota: q")),
    ],
)
def test_state_of(found, state):
    assert of(found) == state


def test_a_pod_of_an_earlier_run_is_not_the_current_one():
    old = pod(run="1", phase="Succeeded", state=ended())
    assert current_pod(running(run=2, pods=[old])) is None
    assert current_pod(running(run=1, pods=[old])) == old
    assert current_pod(running(ALWAYS, run=2, pods=[pod(run="", state=RUNNING)])) is not None


def test_the_newest_pod_is_the_current_one():
    old = pod("pod-old", phase="Failed", state=ended(), conditions=TAKEN, created="2026-01-02T03:00:00Z")
    new = pod("pod-new", state=RUNNING, created="2026-01-02T03:01:00Z")
    found = running(pods=[new, old, GATED])
    assert current_pod(found) == new
    assert found.ordered_pods == [old, new]
    assert found.waiting_pod == GATED


def test_a_deployment_that_is_going():
    found = running(pods=[pod(state=RUNNING)])
    found.deployment["metadata"]["deletionTimestamp"] = FINISHED
    assert of(found).status == "removing"


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"state": RUNNING}, False),
        ({"state": ended(0)}, False),
        ({"state": RUNNING, "deleting": BEFORE_END}, False),
        ({"state": ended(0), "deleting": "2026-01-02T03:06:09Z"}, True),
        ({"state": ended(0), "deleting": "2026-01-02T03:06:10Z"}, True),
        ({"state": ended(0), "deleting": "2026-01-02T03:06:11Z"}, False),
        ({"state": ended(0), "conditions": TAKEN}, True),
        ({"main": False, "conditions": TAKEN}, True),
        ({"state": ended(0), "conditions": [{"type": "DisruptionTarget", "status": "False"}]}, False),
    ],
)
def test_was_taken_away(fields, taken):
    assert was_taken_away(pod(**fields)) is taken


def test_the_last_step_of_a_deletion_has_no_grace_left():
    last = pod(phase="Failed", state=ended(7), deleting="2026-01-02T03:06:01Z")
    last["metadata"]["deletionGracePeriodSeconds"] = 0
    assert was_taken_away(last) is True
    long_after = pod(phase="Failed", state=ended(7), deleting="2026-01-02T03:07:01Z")
    long_after["metadata"]["deletionGracePeriodSeconds"] = 0
    assert was_taken_away(long_after) is False


def test_exit_of():
    assert exit_of(pod(state=ended(3)), 4) == Exit(4, 3, started_at=STARTED, finished_at=FINISHED)
    assert exit_of(pod(state=RUNNING, last=ended(5)), 4) == Exit(4, 5, started_at=STARTED, finished_at=FINISHED)
    assert exit_of(pod(main=False, message="evicted"), 4) == Exit(4, 137, error="evicted")
    start_error = pod(state=ended(128, "ContainerCannotRun", NO_COMMAND))
    assert exit_of(start_error, 4) == Exit(4, 127, error=SHOWN_NO_COMMAND)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('exec: "x": executable file not found in $PATH', 127),
        ("exec /x: no such file or directory", 127),
        ("exec /x: permission denied", 126),
        ("exec /etc: is a directory", 126),
        ("something else", 128),
    ],
)
def test_start_exit_code(message, code):
    assert start_exit_code(message) == code


def test_runtime_message():
    assert runtime_message(NO_COMMAND + "\n") == SHOWN_NO_COMMAND


def test_pod_problem():
    assert pod_problem(pod(state=RUNNING)) == Problem()
    assert pod_problem(pod(state=waiting("ContainerCreating"))) == Problem()
    assert pod_problem(pod(state=waiting("CreateContainerError", "why"))) == Problem("CreateContainerError", "why")
    back_off = pod(state=waiting("CrashLoopBackOff"), last=ended(128, "StartError", NO_COMMAND))
    assert pod_problem(back_off) == Problem("StartError", SHOWN_NO_COMMAND)


def test_a_replica_problem_from_before_the_last_change_is_none():
    found = running(status=QUOTA)
    assert replica_problem(found.deployment) == "exceeded quota: q"
    found.deployment["metadata"]["generation"] = 2
    assert replica_problem(found.deployment) == ""
    assert replica_problem(container().deployment) == ""


CHECK = {"Test": ["CMD", "true"], "Interval": 10 * SECOND, "Retries": 3}


@pytest.mark.parametrize(
    ("fields", "check", "health"),
    [
        ({"ready": True}, CHECK, "healthy"),
        ({"ready": False}, CHECK, "unhealthy"),
        ({"ready": False}, CHECK | {"StartPeriod": 89 * SECOND}, "unhealthy"),
        ({"ready": False}, CHECK | {"StartPeriod": 90 * SECOND}, "starting"),
        ({"ready": False}, CHECK | {"Interval": 60 * SECOND}, "starting"),
        (
            {
                "ready": False,
                "conditions": [
                    {"type": "ContainersReady", "status": "False", "lastTransitionTime": "2026-01-02T03:06:30Z"}
                ],
            },
            CHECK | {"Interval": 60 * SECOND},
            "unhealthy",
        ),
        ({"ready": True}, {"Test": ["NONE"]}, ""),
        ({"ready": True}, None, ""),
    ],
)
def test_health(fields, check, health):
    found = running({"Healthcheck": check} if check else {}, pods=[pod(state=RUNNING, **fields)])
    assert of(found).health == health


def test_the_health_check_of_the_image_counts():
    image = image_with(Cmd=["sh"], Healthcheck=CHECK)
    live = pod(state=RUNNING, ready=True)
    assert of(running(image=image, pods=[live])).health == "healthy"
    assert of(running({"Healthcheck": {"Test": ["NONE"]}}, image=image, pods=[live])).health == ""


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (UP, "Up 2 minutes"),
        (State("running", started_at="2026-01-02T03:08:00Z"), "Up Less than a second"),
        (State("running", started_at=STARTED, health="starting"), "Up 2 minutes (health: starting)"),
        (State("running", started_at=STARTED, health="healthy"), "Up 2 minutes (healthy)"),
        (State("running", started_at=STARTED, health="unhealthy"), "Up 2 minutes (unhealthy)"),
        (EXITED, "Exited (3) About a minute ago"),
        (State("restarting", exit_code=1, finished_at=FINISHED), "Restarting (1) About a minute ago"),
        (State("removing"), "Removal In Progress"),
        (State("created"), "Created"),
        (State("created", reason="ErrImagePull"), "Created (ErrImagePull)"),
        (State("created", reason="exceeded quota: q"), "Created"),
    ],
)
def test_status_text(state, text):
    assert status_text(state, NOW) == text


def test_running():
    assert [State(status).running for status in ("running", "restarting", "created", "exited", "removing")] == [
        True,
        True,
        False,
        False,
        False,
    ]
