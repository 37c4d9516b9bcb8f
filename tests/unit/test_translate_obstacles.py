import pytest
from container_samples import RUNNING, container, ended, pod, running, waiting

from d2k.errors import Forbidden, InvalidParameter, NotFound, SystemFailure
from d2k.translate.obstacles import obstacle, start_error

NO_COMMAND = 'failed to create containerd task: exec: "nope": executable file not found in $PATH'
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}


def held(reason, message=""):
    return running(pods=[pod(phase="Pending", state=waiting(reason, message))])


def told(found, *, final=False):
    met = obstacle(found, final=final)
    return met and (type(met.error), str(met.error), met.exit_code)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (container(), None),
        (running(pods=[pod(state=RUNNING)]), None),
        (held("ContainerCreating"), None),
        (running(pods=[pod(phase="Pending", main=False, conditions=[UNSCHEDULABLE])]), None),
        (
            running(pods=[pod(phase="Failed", state=ended(128, "StartError", NO_COMMAND))]),
            (
                InvalidParameter,
                'failed to create task for container: exec: "nope": executable file not found in $PATH',
                127,
            ),
        ),
        (held("InvalidImageName", "bad"), (InvalidParameter, "invalid reference format", 125)),
        (
            held("ErrImagePull", "rpc error: code = NotFound: docker.io/library/web:1: not found"),
            (
                NotFound,
                "No such image: web:1: the node could not pull it: docker.io/library/web:1: not found",
                125,
            ),
        ),
        (
            held("ImagePullBackOff", "pull failed: authorization failed: 401 Unauthorized"),
            (
                NotFound,
                "pull access denied for web:1, repository does not exist or may require 'docker login': "
                "the node could not pull it: authorization failed: 401 Unauthorized",
                125,
            ),
        ),
        (held("ErrImagePull"), (SystemFailure, "the node could not pull the image web:1: ErrImagePull", 125)),
        (
            held("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
            (
                SystemFailure,
                "container front may not run as root here: container has runAsNonRoot and image will run as root. "
                "Give it a user (--user 1000)",
                128,
            ),
        ),
        (
            held("CreateContainerError"),
            (SystemFailure, "failed to create task for container: CreateContainerError", 128),
        ),
    ],
)
def test_before_the_time_is_over(found, expected):
    assert told(found) == expected


def test_a_quota():
    status = {
        "observedGeneration": 1,
        "conditions": [
            {"type": "ReplicaFailure", "status": "True", "message": 'pods "x" is forbidden: exceeded quota: q, used: 1'}
        ],
    }
    error, message, _ = told(running(status=status))
    assert error is Forbidden
    assert message.startswith("the namespace's resource quota does not allow this: q, used: 1")


def test_when_the_time_is_over():
    assert told(running(pods=[pod(phase="Pending", main=False, conditions=[UNSCHEDULABLE])]), final=True) == (
        SystemFailure,
        "container front cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory. "
        "Ask for less (--memory, --cpus, --gpus) or make room in the cluster",
        128,
    )
    assert told(running(), final=True) == (
        SystemFailure,
        "Kubernetes made no Pod for container front in time: kubectl describe deployment front says more",
        128,
    )
    slow = pod(phase="Pending", state=waiting("ContainerCreating"), conditions=[{"type": "Ready", "message": "why"}])
    assert told(running(pods=[slow]), final=True) == (
        SystemFailure,
        "container front did not start in time, its Pod is Pending: why. kubectl describe pod pod-a says more",
        128,
    )


def test_start_error():
    assert isinstance(start_error("exec: permission denied"), InvalidParameter)
    assert isinstance(start_error("no space left on device"), SystemFailure)
