# Sourced by the scripts beside it, in the checkout's root: what run.sh and test.sh both need.
# shellcheck shell=bash disable=SC2034

say() { printf 'd2k: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

newest_python() {
  local python
  for python in python3.14 python3.13 python3.12 python3.11 python3; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && printf '%s\n' "$python" && return
  done
  return 1
}

install() { # install PACKAGE…: with Debian's package manager
  say "installing $*"
  apt-get update -qq >/dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || die "apt-get could not install $*"
}

need_venv() { # .venv with d2k and the tests' packages, up to date with what the project says that it needs
  local python wanted stamp=.venv/installed
  wanted=$(cat setup.cfg pyproject.toml | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  if ! .venv/bin/python -c '' 2>/dev/null; then
    if can_install && ! { python=$(newest_python) && "$python" -c 'import venv, ensurepip' 2>/dev/null; }; then
      install python3 python3-venv
    fi
    python=$(newest_python) || die "needs Python 3.11 or newer; here is $(python3 --version 2>/dev/null || echo none)"
    "$python" -c 'import venv, ensurepip' 2>/dev/null || die "$python has no venv module: install the package python3-venv"
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
  fi
  say "installing d2k and what it needs into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' || die "pip could not install d2k into .venv"
  printf '%s\n' "$wanted" >"$stamp"
}

# Name the cluster: the one of D2K_KUBECONFIG, else of the kubeconfig's current context, else the lab (D2K_LAB=1: the lab
# in any case). Sets CLUSTER (for people), IS_LAB and KUBECONFIG, or returns 1 with the reason in NO_CLUSTER.
find_cluster() {
  local context
  IS_LAB='' NO_CLUSTER=''
  if [ -z "${D2K_LAB:-}" ]; then
    [ -z "${D2K_KUBECONFIG:-}" ] || export KUBECONFIG=$D2K_KUBECONFIG
    if context=$(current_context) && [ -n "$context" ]; then
      CLUSTER="the cluster of context $context"
      return 0
    fi
    [ -z "${D2K_KUBECONFIG:-}" ] || die "D2K_KUBECONFIG=$D2K_KUBECONFIG names no cluster"
  fi
  if ! NO_CLUSTER=$(lab/lab check 2>&1); then
    NO_CLUSTER="no kubeconfig, and ${NO_CLUSTER#*: }"
    return 1
  fi
  lab/lab up >/dev/null || die "the lab did not start"
  unset D2K_KUBECONFIG
  eval "$(lab/lab env)"
  CLUSTER="the lab" IS_LAB=1
}

current_context() {
  .venv/bin/python - <<'PYTHON' 2>/dev/null
from kubernetes import config

print(config.list_kube_config_contexts()[1]["name"])
PYTHON
}
