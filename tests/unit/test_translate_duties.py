"""What d2k owes a container in every situation of its life (design: the container)."""

from dataclasses import replace

import pytest
from container_samples import (
    AFTER_END,
    BEFORE_END,
    FINISHED,
    ID,
    NOW,
    RUNNING,
    STARTED,
    TAKEN,
    container,
    ended,
    pod,
    running,
    waiting,
)

from d2k.translate import annotations as marks
from d2k.translate.duties import DeletePod, EndPod, Kill, OpenGate, RecordExit, Remove, duty
from d2k.translate.record import Container, Exit
from d2k.translate.times import rfc3339

GATED = pod("pod-new", gated=True, created="2026-01-02T03:06:30Z")
DONE = Exit(1, 0, started_at=STARTED, finished_at=FINISHED)
ALWAYS = {"HostConfig": {"RestartPolicy": {"Name": "always"}}}
RM = {"HostConfig": {"AutoRemove": True}}
FALLBACK = {marks.FALLBACK: "true"}


def on_failure(most=0):
    return {"HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": most}}}


def owed(found):
    return duty(found, NOW)


def test_nothing_is_owed_to_a_created_container():
    assert owed(container()) is None


def test_start_opens_the_gate_of_the_waiting_pod():
    assert owed(running(pods=[GATED])) == OpenGate(GATED)


def test_start_before_there_is_a_pod():
    assert owed(running()) is None


def test_a_second_start_does_not_take_the_first_run_for_its_own():
    old = pod(phase="Succeeded", state=ended())
    assert owed(running(run=2, end=DONE, pods=[old, GATED])) == OpenGate(GATED)
    assert owed(running(run=2, end=DONE, pods=[old])) is None


def test_nothing_is_owed_while_it_runs():
    assert owed(running(pods=[pod(state=RUNNING)])) is None


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
def test_the_end_is_recorded_and_the_replacement_behind_the_gate_stays_there(code, phase):
    over = pod(phase=phase, state=ended(code, "Error"))
    assert owed(running(pods=[over, GATED])) == RecordExit(replace(DONE, exit_code=code))
    assert owed(running(pods=[over])) == RecordExit(replace(DONE, exit_code=code))


def test_after_the_record_nothing_more():
    over = pod(phase="Succeeded", state=ended())
    assert owed(running(desired="stopped", end=DONE, pods=[over, GATED])) is None
    assert owed(running(desired="stopped", end=DONE, pods=[])) is None


def test_out_of_memory():
    over = pod(phase="Failed", state=ended(137, "OOMKilled"))
    assert owed(running(pods=[over])) == RecordExit(replace(DONE, exit_code=137, oom_killed=True))


def test_what_was_taken_away_while_it_ran_goes_on_in_its_replacement():
    drained = pod(phase="Failed", state=ended(137, "Error"), conditions=TAKEN)
    assert owed(running(pods=[drained, GATED])) == OpenGate(GATED)
    assert owed(running(pods=[drained])) is None


def test_a_pod_that_is_gone_altogether_goes_on_in_its_replacement():
    assert owed(running(pods=[GATED])) == OpenGate(GATED)


def test_a_deleted_pod_is_waited_for_until_its_process_is_dead():
    assert owed(running(pods=[pod(state=RUNNING, deleting=BEFORE_END), GATED])) is None
    dead = pod(state=ended(143, "Error"), deleting=BEFORE_END)
    assert owed(running(pods=[dead, GATED])) == OpenGate(GATED)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Running"])
def test_a_deletion_while_it_ran_and_one_after_its_end(phase):
    taken = pod(phase=phase, state=ended(0), deleting=BEFORE_END)
    assert owed(running(pods=[taken, GATED])) == OpenGate(GATED)
    done = pod(phase=phase, state=ended(0), deleting=AFTER_END)
    assert owed(running(pods=[done, GATED])) == RecordExit(DONE)


def test_of_several_waiting_pods_the_newest_that_stays():
    older = pod("pod-old", gated=True, created="2026-01-02T03:06:00Z")
    leaving = pod("pod-gone", gated=True, created="2026-01-02T03:06:50Z")
    leaving["metadata"]["deletionTimestamp"] = FINISHED
    assert owed(running(pods=[leaving, older, GATED])) == OpenGate(GATED)


def test_stop_ends_the_pod_by_a_deadline_once():
    stop = {"Grace": None, "Kill": False, "Restart": False}
    live = pod(state=RUNNING)
    assert owed(running(desired="stopped", stop=stop, pods=[live])) == EndPod(live)
    told = pod(state=RUNNING, deadline=1)
    assert owed(running(desired="stopped", stop=stop, pods=[told])) is None
    over = pod(phase="Failed", state=ended(143, "Error"), deadline=1)
    assert owed(running(desired="stopped", stop=stop, pods=[over, GATED])) == RecordExit(replace(DONE, exit_code=143))


def test_stop_with_the_own_grace_said_aloud_is_the_same():
    live = pod(state=RUNNING)
    assert owed(running(desired="stopped", stop={"Grace": 10}, pods=[live])) == EndPod(live)


@pytest.mark.parametrize("grace", [1, 60])
def test_stop_with_another_grace_deletes(grace):
    live = pod(state=RUNNING)
    assert owed(running(desired="stopped", stop={"Grace": grace}, pods=[live])) == DeletePod(live, grace)
    assert (
        owed(running(desired="stopped", stop={"Grace": grace}, pods=[pod(state=RUNNING, deleting=BEFORE_END)])) is None
    )


def test_stop_records_the_end_of_a_deleted_pod_from_its_last_status():
    dead = pod(state=ended(9, "Error"), deleting=BEFORE_END)
    assert owed(running(desired="stopped", stop={"Grace": 1}, pods=[dead])) == RecordExit(replace(DONE, exit_code=9))


def test_kill_deletes_and_gives_137():
    kill = {"Grace": 1, "Kill": True, "Restart": False}
    live = pod(state=RUNNING)
    assert owed(running(desired="stopped", stop=kill, pods=[live])) == Kill(
        live, Exit(1, 137, started_at=STARTED, finished_at=rfc3339(NOW))
    )
    live["spec"]["volumes"] = [{"name": "mount-0", "persistentVolumeClaim": {"claimName": "data"}}]
    assert owed(running(desired="stopped", stop=kill, pods=[live])) == DeletePod(live, 1)
    dead = pod(state=ended(0), deleting=BEFORE_END)
    assert owed(running(desired="stopped", stop=kill, pods=[dead])) == RecordExit(replace(DONE, exit_code=137))


def test_an_end_that_nobody_saw():
    moment = rfc3339(NOW)
    unseen = RecordExit(Exit(1, 137, started_at=moment, finished_at=moment))
    assert owed(running(desired="stopped", stop={}, pods=[])) == unseen
    assert owed(running(desired="stopped", stop={}, pods=[GATED])) == unseen


def test_a_pod_that_failed_before_its_process_ran():
    evicted = pod(phase="Failed", main=False, message="Pod was rejected: SysctlForbidden")
    assert owed(running(pods=[evicted])) == RecordExit(Exit(1, 137, error="Pod was rejected: SysctlForbidden"))


def test_stop_of_a_pod_that_never_ran_its_process():
    stuck = pod(phase="Pending", state=waiting("ImagePullBackOff"))
    assert owed(running(desired="stopped", stop={"Grace": None}, pods=[stuck])) == EndPod(stuck)


def test_rm_goes_after_its_end_but_not_for_a_restart():
    over = pod(phase="Succeeded", state=ended())
    assert owed(running(RM, pods=[over])) == RecordExit(DONE)
    assert owed(running(RM, desired="stopped", end=DONE, pods=[over])) == Remove()
    assert owed(running(RM, desired="stopped", end=DONE, stop={"Restart": True}, pods=[over])) is None
    assert owed(running(RM, desired="stopped", end=DONE, stop={"Restart": False}, pods=[over])) == Remove()


def test_rm_was_not_started_yet():
    assert owed(container(RM)) is None


def test_removing_goes_on_until_the_deployment_goes():
    assert owed(container(notes={marks.DESIRED: "removing"})) == Remove()
    found = container(notes={marks.DESIRED: "removing"})
    found.deployment["metadata"]["deletionTimestamp"] = FINISHED
    assert owed(found) is None


def test_d2k_was_away_while_it_ran_and_ended():
    over = pod(phase="Succeeded", state=ended(0))
    found = running(RM, pods=[over, GATED])
    assert owed(found) == RecordExit(DONE)
    later = Container(running(RM, desired="stopped", end=DONE).deployment, [over])
    assert owed(later) == Remove()


class TestOnFailure:
    """`--restart on-failure[:N]`: the kubelet restarts in place, d2k counts."""

    def test_it_restarts_without_an_end(self):
        assert owed(running(on_failure(), pods=[pod(state=RUNNING, last=ended(1), restarts=50)])) is None
        assert owed(running(on_failure(), pods=[pod(state=waiting("CrashLoopBackOff"), last=ended(1))])) is None

    def test_success_ends_it(self):
        over = pod(phase="Succeeded", state=ended(0), restarts=2)
        assert owed(running(on_failure(5), pods=[over, GATED])) == RecordExit(replace(DONE, restart_count=2))

    def test_the_last_try_runs_to_its_end(self):
        assert owed(running(on_failure(2), pods=[pod(state=RUNNING, last=ended(1), restarts=2)])) is None

    @pytest.mark.parametrize("state", [waiting("CrashLoopBackOff"), ended(1, "Error")])
    def test_after_the_last_try_the_pod_is_ended(self, state):
        down = pod(state=state, last=ended(1, "Error"), restarts=2)
        assert owed(running(on_failure(2), pods=[down])) == EndPod(down)
        told = pod(state=state, last=ended(1, "Error"), restarts=2, deadline=1)
        assert owed(running(on_failure(2), pods=[told])) is None

    def test_fewer_tries_than_allowed(self):
        assert owed(running(on_failure(3), pods=[pod(state=ended(1), restarts=2)])) is None

    def test_its_end_is_that_of_the_last_try(self):
        over = pod(phase="Failed", state=waiting("CrashLoopBackOff"), last=ended(7, "Error"), restarts=2)
        assert owed(running(on_failure(2), pods=[over])) == RecordExit(replace(DONE, exit_code=7, restart_count=2))


class TestFallback:
    """An older cluster dropped the container's own restart policy: it restarts whatever ends."""

    def fallback(self, spec=None, **fields):
        return running(spec, notes=FALLBACK, **fields)

    @pytest.mark.parametrize(
        ("live", "restarts"),
        [(pod(state=ended(3, "Error")), 0), (pod(state=RUNNING, last=ended(3, "Error"), restarts=1), 1)],
    )
    def test_the_first_end_is_recorded_and_the_log_saved(self, live, restarts):
        end = replace(DONE, exit_code=3, restart_count=restarts)
        assert owed(self.fallback(pods=[live])) == RecordExit(end, live)

    def test_it_runs(self):
        assert owed(self.fallback(pods=[pod(state=RUNNING)])) is None

    def test_stop_deletes(self):
        live = pod(state=RUNNING)
        assert owed(self.fallback(desired="stopped", stop={"Grace": None}, pods=[live])) == DeletePod(live, 10)

    def test_success_ends_on_failure_too(self):
        live = pod(state=RUNNING, last=ended(0), restarts=1)
        end = replace(DONE, restart_count=1)
        assert owed(self.fallback(on_failure(), pods=[live])) == RecordExit(end, live)
        failing = pod(state=RUNNING, last=ended(1), restarts=1)
        assert owed(self.fallback(on_failure(), pods=[failing])) is None

    def test_the_last_failure_is_recorded(self):
        down = pod(state=waiting("CrashLoopBackOff"), last=ended(1, "Error"), restarts=2)
        end = replace(DONE, exit_code=1, restart_count=2)
        assert owed(self.fallback(on_failure(2), pods=[down])) == RecordExit(end, down)

    def test_the_gate_is_opened_all_the_same(self):
        assert owed(self.fallback(pods=[GATED])) == OpenGate(GATED)


class TestAlways:
    """Kubernetes is in charge; d2k only stops it."""

    @pytest.mark.parametrize(
        "pods",
        [
            [],
            [pod(run="", state=RUNNING)],
            [pod(run="", state=ended(1))],
            [pod(run="", phase="Failed", state=ended(1))],
        ],
    )
    def test_nothing_is_owed_while_it_is_wanted(self, pods):
        assert owed(running(ALWAYS, pods=pods)) is None

    def test_stop_deletes_with_its_grace(self):
        live = pod(run="", state=RUNNING)
        assert owed(running(ALWAYS, desired="stopped", stop={"Grace": None}, pods=[live])) == DeletePod(live, 10)
        assert owed(running(ALWAYS, desired="stopped", stop={"Grace": 3}, pods=[live])) == DeletePod(live, 3)

    def test_its_end_is_recorded(self):
        dead = pod(run="", state=ended(143, "Error"), deleting=BEFORE_END)
        found = running(ALWAYS, desired="stopped", stop={"Grace": None}, pods=[dead])
        assert owed(found) == RecordExit(replace(DONE, exit_code=143))


def test_the_sample_is_a_container():
    assert running().id == ID
