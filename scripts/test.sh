#!/usr/bin/env bash
# test.sh all|lint|types|unit|cluster|bench [ARGUMENT…]: the project's checks. `make test` is `test.sh all`.
# With CI set, tests that would be skipped for want of a cluster are a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

lint() {
  say "lint"
  .venv/bin/ruff check .
  .venv/bin/ruff format --check .
  if command -v shellcheck >/dev/null; then shellcheck --external-sources --severity=warning lab/lab lab/*.sh scripts/*.sh .ci/run; fi
}

types() {
  say "types"
  .venv/bin/mypy
  .venv/bin/mypy lab/*.py scripts/*.py
}

unit() { # unit [PYTEST ARGUMENT…]
  say "unit tests"
  [ $# -gt 0 ] || set -- tests/unit
  .venv/bin/pytest "$@"
}

need_docker() { # the client alone: no engine is installed or started
  command -v docker >/dev/null || [ -x .venv/bin/docker ] || {
    local temporary
    can_install || { say "there is no docker command: the tests that run it are skipped (Debian: docker-cli or docker.io)"; return; }
    say "fetching the docker command into .venv/bin"
    apt-get update -qq >/dev/null || true
    temporary=$(mktemp -d)
    (cd "$temporary" && { apt-get download -qq docker-cli || apt-get download -qq docker.io; } >/dev/null 2>&1 &&
      dpkg-deb --extract ./*.deb . && cp usr/bin/docker "$OLDPWD/.venv/bin/") || say "apt-get has no docker command"
    rm -rf "$temporary"
  }
}

on_cluster() { # on_cluster [PYTEST ARGUMENT…]: on the one that find_cluster found
  [ $# -gt 0 ] || set -- tests/integration tests/clients
  need_docker
  say "tests on $CLUSTER${D2K_REFERENCE:+, compared with the engine at $D2K_REFERENCE}"
  PATH=$PATH:$PWD/.venv/bin .venv/bin/pytest "$@"
}

cluster() {
  find_cluster || die "no cluster: $NO_CLUSTER; name one with D2K_KUBECONFIG"
  on_cluster "$@"
}

bench() { # bench [ARGUMENT…]: of a d2k that runs; ARGUMENTs go to every script of bench/
  local script status=0
  [ -n "${DOCKER_HOST:-}" ] || die "DOCKER_HOST must name a running d2k ('make run' starts one), D2K_NAMESPACE its namespace;\
 for comparisons D2K_REFERENCE names a real Docker Engine and KUBECONFIG the cluster"
  find_cluster || die "no cluster: $NO_CLUSTER; name one with D2K_KUBECONFIG"
  need_docker
  for script in bench/*.py; do PATH=$PATH:$PWD/.venv/bin .venv/bin/python "$script" "$@" || status=1; done
  return "$status"
}

all() {
  lint
  types
  unit tests/unit
  if find_cluster; then
    on_cluster
    say "lint, types, unit tests and the tests on $CLUSTER: passed"
    [ -z "$IS_LAB" ] || [ -n "${CI:-}" ] || say "the lab stays until 'make lab-down'"
  else
    say "lint, types and unit tests: passed"
    say "cluster tests: SKIPPED: $NO_CLUSTER (D2K_KUBECONFIG can name a cluster)"
    [ -z "${CI:-}" ] || die "with CI set, skipped cluster tests are a failure"
  fi
}

case ${1:-all} in
  all | lint | types | unit | cluster | bench)
    need_venv
    "${@:-all}"
    ;;
  *) die "usage: scripts/test.sh all|lint|types|unit|cluster|bench [ARGUMENT…]" ;;
esac
