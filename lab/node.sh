#!/usr/bin/env bash
# The lab's machine: process 1 of namespaces of its own (processes, network, mounts, hostname), which `lab up` makes.
# It prepares them, starts the cluster's daemons, starts again any that ends, and reaps what nobody waits for.
# When it is killed the kernel ends every process in here, and with the last one go the mounts, interfaces and rules.
# usage: node.sh PIDFILE, with the environment that lab/lab sets
set -euo pipefail

# shellcheck disable=SC2153
: "$NAME" "$STATE" "$NODE_IP" "$SYSTEM_IP" "$SERVICES" "$PODS" "$BINARY" "$METRICS_SERVER"
ETC=$STATE/etc
PKI=$STATE/pki

read -r outer _ </proc/self/stat # /proc is still the machine's: this is our number out there
printf '%s\n' "$outer" >"$1.new" && mv "$1.new" "$1"

own_cgroup() { # the daemons are in /NAME/node; the kubelet puts the pods into /NAME/kubepods
  local root=/sys/fs/cgroup trees tree file controllers controller
  if [ -f "$root/cgroup.controllers" ]; then # version 2
    trees=("$root")
    mkdir -p "$root/$NAME"
    read -ra controllers <"$root/cgroup.controllers"
    for controller in "${controllers[@]}"; do
      echo "+$controller" >"$root/cgroup.subtree_control" || true
      echo "+$controller" >"$root/$NAME/cgroup.subtree_control" || true
    done
  else
    trees=("$root"/*/) # version 1
  fi
  for tree in "${trees[@]}"; do
    [ -f "$tree/cgroup.procs" ] || continue
    mkdir -p "$tree/$NAME/node"
    if [ "${#trees[@]}" -gt 1 ] && [ -f "$tree/cpuset.cpus" ]; then # empty in a new group: no process could join
      for file in cpuset.cpus cpuset.mems; do
        cat "$tree/$file" >"$tree/$NAME/$file"
        cat "$tree/$file" >"$tree/$NAME/node/$file"
      done
    fi
    echo $$ >"$tree/$NAME/node/cgroup.procs"
  done
}

own_mounts() {
  mount --make-rshared / # what pods mount may spread within these namespaces, not out of them
  mount -t proc proc /proc
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir /run/lock /run/netns
  mount --bind "$STATE/kubelet" /var/lib/kubelet
  mount --bind "$STATE/cni" /var/lib/cni
  mount --bind "$STATE/pods" /var/log/pods
  mount --bind "$STATE/pods" /var/log/containers
  mount --bind "$STATE/volumes" /tmp/hostpath_pv # where the controller manager's hostPath volumes are
}

own_network() {
  hostname "$NAME"
  ip link set lo up
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done # lab/lab moves it in here
  ip address add "$NODE_IP/24" dev eth0
  ip address add "$SYSTEM_IP/24" dev eth0
  ip link set eth0 up
  # No default route: whatever is not in the lab is unreachable at once, instead of after a timeout.
  ip route add "$SERVICES" dev eth0 src "$NODE_IP"
  sysctl -qw net.ipv4.ip_forward=1
  [ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=1
}

keep() { # keep NAME COMMAND…
  local name=$1
  shift
  while :; do
    "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null && :
    printf 'lab: %s ended with %s and is started again\n' "$name" $? >>"$STATE/log/$name.log"
    sleep 1
  done &
}

kubernetes() { # kubernetes COMPONENT FLAG…
  keep "$1" "$BINARY" "$@"
}

gated() { # the same for those that have feature gates
  kubernetes "$@" ${FEATURE_GATES:+"--feature-gates=$FEATURE_GATES"}
}

start() {
  local admin=$ETC/admin.kubeconfig
  keep registry docker-registry serve "$ETC/registry.yaml"
  keep containerd containerd --config "$ETC/containerd.toml" --log-level warn
  kubernetes etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster default=http://127.0.0.1:2380
  until curl -fs http://127.0.0.1:2379/health >/dev/null; do sleep 0.1; done
  gated kube-apiserver --etcd-servers http://127.0.0.1:2379 --bind-address "$SYSTEM_IP" --advertise-address "$SYSTEM_IP" \
    --secure-port 6443 --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
    --client-ca-file "$PKI/ca.crt" --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --allow-privileged --service-cluster-ip-range "$SERVICES" --event-ttl 3h \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$PKI/tokens.pub" --service-account-signing-key-file "$PKI/tokens.key" \
    --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$PKI/admin.crt" --kubelet-client-key "$PKI/admin.key" \
    --requestheader-client-ca-file "$PKI/ca.crt" --requestheader-allowed-names aggregator \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- --enable-aggregator-routing \
    --proxy-client-cert-file "$PKI/aggregator.crt" --proxy-client-key-file "$PKI/aggregator.key"
  until curl -fs --cacert "$PKI/ca.crt" "https://$SYSTEM_IP:6443/readyz" >/dev/null; do sleep 0.1; done
  gated kube-controller-manager --kubeconfig "$ETC/controllers.kubeconfig" --bind-address 127.0.0.1 --leader-elect=false \
    --use-service-account-credentials --service-account-private-key-file "$PKI/tokens.key" --root-ca-file "$PKI/ca.crt" \
    --enable-hostpath-provisioner --cluster-cidr "$PODS" --kube-api-qps 200 --kube-api-burst 400
  gated kube-scheduler --kubeconfig "$ETC/scheduler.kubeconfig" --bind-address 127.0.0.1 --leader-elect=false \
    --kube-api-qps 200 --kube-api-burst 400
  gated kubelet --kubeconfig "$ETC/kubelet.kubeconfig" --config "$ETC/kubelet.yaml" --hostname-override "$NAME" \
    --node-ip "$NODE_IP"
  gated kube-proxy --kubeconfig "$ETC/proxy.kubeconfig" --hostname-override "$NAME" --proxy-mode iptables \
    --iptables-min-sync-period 100ms --cluster-cidr "$PODS" --conntrack-max-per-core 0 --oom-score-adj 0 \
    --metrics-bind-address 127.0.0.1:10249 --healthz-bind-address 127.0.0.1:10256
  kubernetes loadbalancer --kubeconfig "$admin" --address "$NODE_IP"
  kubernetes coredns -conf "$ETC/Corefile"
  keep metrics-server "$METRICS_SERVER" --kubeconfig "$admin" \
    --authentication-kubeconfig "$admin" --authorization-kubeconfig "$admin" \
    --bind-address "$SYSTEM_IP" --secure-port 4443 \
    --tls-cert-file "$PKI/metrics.crt" --tls-private-key-file "$PKI/metrics.key" \
    --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
    --kubelet-client-certificate "$PKI/admin.crt" --kubelet-client-key "$PKI/admin.key" \
    --metric-resolution 10s --kubelet-request-timeout 5s
}

own_cgroup
own_mounts
own_network
start
while :; do
  sleep 3600 &
  wait $!
done
