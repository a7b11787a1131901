# Sourced inside the sandbox: a Kubernetes of one node, each program as it is meant to run, in the sandbox's process namespace.
# shellcheck shell=bash

state=/var/lib/cluster
logs=$state/log
images=$state/images
# The namespace is that of the broker.
export KUBECONFIG=$state/kubeconfig CONTAINERD_ADDRESS=$state/containerd.sock

# daemon NAME COMMAND…: with a log of its own.
daemon() {
  setsid "${@:2}" >"$logs/$1.log" 2>&1 </dev/null &
}

# until_true SECONDS COMMAND…
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

# Whoever has the token may do everything; nobody else can reach it.
credentials() {
  openssl genrsa -out $state/service-accounts.key 2048 2>/dev/null
  openssl rsa -in $state/service-accounts.key -pubout -out $state/service-accounts.pub 2>/dev/null
  echo 'administrator,administrator,1,system:masters' >$state/tokens.csv
  cat >$KUBECONFIG <<'END'
apiVersion: v1
kind: Config
clusters: [{name: cluster, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: administrator, user: {token: administrator}}]
contexts: [{name: here, context: {cluster: cluster, user: administrator, namespace: ringcast}}]
current-context: here
END
}

# restrict_oom_score_adj, and oomScoreAdj below: a process without CAP_SYS_RESOURCE may not lower it.
settings() {
  mkdir -p /etc/cni/net.d
  cat >/etc/cni/net.d/10-bridge.conflist <<'END'
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
  cat >$state/containerd.toml <<END
version = 2
root = "$state/containerd"
state = "$state/containerd-state"
[grpc]
  address = "$CONTAINERD_ADDRESS"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
  cat >$state/kubelet.yaml <<'END'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
failSwapOn: false
oomScoreAdj: 0
evictionHard: {memory.available: "50Mi", nodefs.available: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
syncFrequency: 5s
END
}

control_plane() {
  daemon etcd etcd --data-dir $state/etcd --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  daemon apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=127.0.0.1 \
    --advertise-address=192.0.2.10 --cert-dir=$state/certificates --service-cluster-ip-range=10.96.0.0/16 \
    --token-auth-file=$state/tokens.csv --authorization-mode=RBAC --service-account-issuer=https://kubernetes.default.svc \
    --service-account-signing-key-file=$state/service-accounts.key --service-account-key-file=$state/service-accounts.pub \
    --allow-privileged=true --kubelet-preferred-address-types=InternalIP --endpoint-reconciler-type=none \
    --disable-admission-plugins=ServiceAccount
  until_true 120 curl -skf https://127.0.0.1:6443/readyz || return 1
  daemon controller-manager kube-controller-manager --kubeconfig=$KUBECONFIG --leader-elect=false --cert-dir=$state/certificates \
    --service-account-private-key-file=$state/service-accounts.key --use-service-account-credentials=false \
    --controllers='*,-csrsigning,-csrapproving,-bootstrapsigner,-tokencleaner,-root-ca-cert-publisher'
  daemon scheduler kube-scheduler --kubeconfig=$KUBECONFIG --leader-elect=false --cert-dir=$state/certificates
}

node() {
  daemon containerd containerd -c $state/containerd.toml
  until_true 60 ctr version || return 1
  ctr -n k8s.io images import $images/images.tar >$logs/import.log 2>&1 || return 1
  daemon kubelet kubelet --kubeconfig=$KUBECONFIG --config=$state/kubelet.yaml --cert-dir=$state/certificates \
    --container-runtime=remote --container-runtime-endpoint=unix://$CONTAINERD_ADDRESS --hostname-override=node \
    --pod-infra-container-image=localhost/pause:1
  daemon proxy kube-proxy --kubeconfig=$KUBECONFIG --proxy-mode=iptables --hostname-override=node --cluster-cidr=10.244.0.0/16 \
    --conntrack-max-per-core=0 --oom-score-adj=0
}

ready_node() { [[ $(kubectl get node node) == *" Ready"* ]]; }

# The cluster, until its node is ready; what an earlier one left is gone first.
cluster_up() {
  find $state -mindepth 1 -maxdepth 1 ! -name images -exec rm -rf {} +
  rm -rf /var/lib/kubelet /var/lib/cni
  mkdir -p $logs
  credentials
  settings
  control_plane && node && until_true 120 ready_node && return
  tail -n 3 $logs/*.log
  return 1
}
