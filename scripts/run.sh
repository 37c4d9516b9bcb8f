#!/usr/bin/env bash
# Run d2k on 127.0.0.1 until Ctrl-C, on the cluster at hand; `make run`. Settings are d2k's own (`d2k --help`).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

port=${D2K_PORT:-2375}
need_venv
! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || die "port $port of 127.0.0.1 is in use: choose another with D2K_PORT"
find_cluster || die "no cluster: $NO_CLUSTER; name one with D2K_KUBECONFIG"

if [ -n "$IS_LAB" ]; then # in a namespace of its own, with no more rights than the chart gives: its Role, and to look at the nodes
  export D2K_NAMESPACE=${D2K_NAMESPACE:-d2k}
  D2K_KUBECONFIG=$(.venv/bin/python scripts/role_kubeconfig.py --namespace "$D2K_NAMESPACE" --cluster --output "${KUBECONFIG%/*}/d2k.kubeconfig")
else
  D2K_KUBECONFIG=${KUBECONFIG:-$HOME/.kube/config}
  D2K_KUBECONFIG=${D2K_KUBECONFIG%%:*}
fi
export D2K_KUBECONFIG D2K_HOST=127.0.0.1 D2K_PORT=$port

say "starting on $CLUSTER, namespace ${D2K_NAMESPACE:-default}"
setsid .venv/bin/d2k & # out of the reach of Ctrl-C: it is told once, by us, and ends in its own time
d2k=$!
trap 'kill $d2k 2>/dev/null; wait $d2k || true; exit 0' INT TERM HUP
for ((i = 0; i < 300; i++)); do
  kill -0 "$d2k" 2>/dev/null || die "it ended before it answered: see above"
  [ "$(curl -fs "http://127.0.0.1:$port/_ping" || true)" != OK ] || break
  sleep 0.1
done
((i < 300)) || say "it does not answer /_ping yet"

printf '\nd2k answers at 127.0.0.1:%s, until Ctrl-C. In another terminal:\n\n  export DOCKER_HOST=tcp://127.0.0.1:%s\n' "$port" "$port"
printf '  docker run --rm busybox echo hello from a Pod\n'
if [ -n "$IS_LAB" ]; then
  printf '  docker run -d --name web -p 8080:80 web && curl http://%s:8080/\n' "$(lab/lab address)"
  printf '\nThe lab has the images busybox, alpine, web, entry and nonroot (lab/lab push adds others), and stays until make lab-down.\n'
fi
printf '\n'
wait "$d2k"
