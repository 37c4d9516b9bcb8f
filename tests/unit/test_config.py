from dataclasses import asdict, fields

import pytest

from d2k.config import Config, ConfigError

DEFAULTS = {
    "namespace": "default",
    "host": "0.0.0.0",
    "port": 2375,
    "log_level": "info",
    "log_format": "text",
    "kubeconfig": "",
    "low_port_threshold": 1024,
    "publish": "loadbalancer",
    "publish_host": "0.0.0.0",
    "publish_timeout": 5,
    "start_timeout": 120,
    "bind_mounts": "refuse",
    "allow_privileged": False,
    "allow_host_namespaces": False,
    "volume_size": "1Gi",
    "cluster_domain": "cluster.local",
    "gpu_resource_name": "nvidia.com/gpu",
    "registry": "on",
    "registry_mirrors": {},
    "registry_plain_http": frozenset(),
}


def test_an_empty_environment_gives_the_defaults():
    found = asdict(Config.from_environment({}))
    assert {name: found[name] for name in DEFAULTS} == DEFAULTS
    assert Config.from_environment({}) == Config()


def test_empty_means_default():
    assert Config.from_environment({field.metadata["env"]: "" for field in fields(Config)}) == Config()


def test_every_setting_has_a_variable_and_a_description():
    variables = [field.metadata["env"] for field in fields(Config)]
    assert len(set(variables)) == len(variables)
    assert all(variable.startswith("D2K_") for variable in variables)
    assert all(field.metadata["doc"] for field in fields(Config))


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("D2K_NAMESPACE", "team-a", "namespace", "team-a"),
        ("D2K_PORT", "12375", "port", 12375),
        ("D2K_LOG_LEVEL", "debug", "log_level", "debug"),
        ("D2K_LOG_FORMAT", "json", "log_format", "json"),
        ("D2K_KUBECONFIG", "/etc/kube", "kubeconfig", "/etc/kube"),
        ("D2K_LOW_PORT_THRESHOLD", "0", "low_port_threshold", 0),
        ("D2K_PUBLISH", "proxy", "publish", "proxy"),
        ("D2K_START_TIMEOUT", "3600", "start_timeout", 3600),
        ("D2K_BIND_MOUNTS", "hostpath", "bind_mounts", "hostpath"),
        ("D2K_ALLOW_PRIVILEGED", "Yes", "allow_privileged", True),
        ("D2K_ALLOW_PRIVILEGED", "off", "allow_privileged", False),
        ("D2K_VOLUME_SIZE", "1.5Gi", "volume_size", "1.5Gi"),
        ("D2K_CLUSTER_DOMAIN", "k8s.example", "cluster_domain", "k8s.example"),
        ("D2K_GPU_RESOURCE_NAME", "amd.com/gpu", "gpu_resource_name", "amd.com/gpu"),
        (
            "D2K_REGISTRY_MIRRORS",
            "docker.io=http://mirror:5000/,ghcr.io=https://g",
            "registry_mirrors",
            {"docker.io": "http://mirror:5000", "ghcr.io": "https://g"},
        ),
        ("D2K_REGISTRY_PLAIN_HTTP", "a:5000, b,", "registry_plain_http", frozenset({"a:5000", "b"})),
    ],
)
def test_from_environment(variable, text, name, value):
    assert getattr(Config.from_environment({variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("D2K_NAMESPACE", "Team_A", "the name of a namespace (an RFC 1123 label)"),
        ("D2K_NAMESPACE", "a" * 64, "the name of a namespace (an RFC 1123 label)"),
        ("D2K_NAMESPACE", "a\n", "the name of a namespace (an RFC 1123 label)"),
        ("D2K_PORT", "0", "a whole number from 1 to 65535"),
        ("D2K_PORT", "65536", "a whole number from 1 to 65535"),
        ("D2K_PORT", "-1", "a whole number from 1 to 65535"),
        ("D2K_PORT", "٣", "a whole number from 1 to 65535"),
        ("D2K_PORT", "2375 ", "a whole number from 1 to 65535"),
        ("D2K_LOG_LEVEL", "INFO", "one of debug, info, warn, error"),
        ("D2K_LOG_FORMAT", "xml", "one of text, json"),
        ("D2K_LOW_PORT_THRESHOLD", "many", "a whole number from 0 to 65535"),
        ("D2K_PUBLISH", "hostport", "one of loadbalancer, nodeport, clusterip, proxy"),
        ("D2K_BIND_MOUNTS", "allow", "one of refuse, hostpath"),
        ("D2K_ALLOW_PRIVILEGED", "perhaps", "true or false"),
        ("D2K_VOLUME_SIZE", "1 Gi", "a Kubernetes quantity such as 1Gi"),
        ("D2K_CLUSTER_DOMAIN", "cluster.local.", "a DNS domain such as cluster.local"),
        ("D2K_GPU_RESOURCE_NAME", "gpu", "the name of an extended resource such as nvidia.com/gpu"),
        ("D2K_REGISTRY", "maybe", "one of on, off"),
        ("D2K_REGISTRY_MIRRORS", "docker.io", "host=url[,host=url…], for example docker.io=http://mirror:5000"),
        ("D2K_REGISTRY_MIRRORS", "docker.io=mirror", "host=url[,host=url…], for example docker.io=http://mirror:5000"),
        ("D2K_REGISTRY_MIRRORS", "=http://m", "host=url[,host=url…], for example docker.io=http://mirror:5000"),
    ],
)
def test_a_bad_value_names_the_variable_the_value_and_what_is_allowed(variable, text, allowed):
    with pytest.raises(ConfigError) as caught:
        Config.from_environment({variable: text})
    assert str(caught.value) == f"{variable}={text!r} is not valid: it must be {allowed}"
    assert "\n" not in str(caught.value)
