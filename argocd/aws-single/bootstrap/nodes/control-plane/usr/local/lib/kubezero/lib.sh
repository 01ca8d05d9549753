# shellcheck shell=sh
# What the scripts share.
# shellcheck source=/dev/null
. /etc/kubezero/node.env
# shellcheck source=/dev/null
. /etc/kubezero/bundle.env

say() { echo "${0##*/}: $*"; }
die() { say "$*" >&2; exit 1; }

# retry TRIES SECONDS COMMAND… Its arguments are its only variables, so that one may run inside of another. As in any condition, `set -e` does
# not count inside of the command: what must not fail there says so.
retry() {
  until beyond_two "$@"; do
    [ "$1" -gt 1 ] || return 1
    sleep "$2"
    left=$(($1 - 1)) pause=$2
    shift 2
    set -- "$left" "$pause" "$@"
  done
}
beyond_two() {
  shift 2
  "$@"
}

# The metadata service, with a token; from the machine itself only.
imds() {
  token=$(curl -fsS -m 5 --retry 10 --retry-connrefused -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
  curl -fsS -m 5 --retry 5 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/$1"
}

# What machines of the cluster share: encrypted parameters below /kubezero/<cluster>/.
parameter_get() {
  aws ssm get-parameter --region "$REGION" --name "/kubezero/$CLUSTER/$1" --with-decryption --query Parameter.Value --output text
}
# parameter_put NAME FILE [--overwrite]
parameter_put() {
  aws ssm put-parameter --region "$REGION" --name "/kubezero/$CLUSTER/$1" --type SecureString --value "file://$2" ${3:+"$3"} >/dev/null
}

# Puts standard input into FILE, readable by root alone, in one step.
private() {
  mkdir -p "$(dirname "$1")"
  (umask 077 && cat >"$1.new")
  mv "$1.new" "$1"
}

# discovery TOKEN: where the API is and how to know that it is the right one, from the cluster's CA on standard input. The token must be in it,
# too: kubeadm asks for the ConfigMap cluster-info, is refused and goes on; asking without a name it would not even be refused, but wait.
discovery() {
  cat <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: "$CLUSTER", cluster: {server: "https://$API_ENDPOINT", certificate-authority-data: "$(base64 -w 0)"}}]
users: [{name: bootstrap, user: {token: "$1"}}]
contexts: [{name: bootstrap, context: {cluster: "$CLUSTER", user: bootstrap}}]
current-context: bootstrap
CONFIG
}

# What every controller has and nobody else may: the cluster's keys.
SHARED_KEYS='pki/ca.crt pki/ca.key pki/front-proxy-ca.crt pki/front-proxy-ca.key pki/etcd/ca.crt pki/etcd/ca.key pki/sa.key pki/sa.pub encryption/config.yaml backup/identity'

have_keys() {
  for file in $SHARED_KEYS; do
    [ -s "/etc/kubernetes/$file" ] || return 1
  done
}

# The etcd that runs on this machine.
etcdctl_here() {
  container=$(crictl ps --state Running --label io.kubernetes.container.name=etcd -q | head -n 1)
  [ -n "$container" ] || die "etcd does not run here"
  crictl exec "$container" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt \
    --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key "$@"
}

# The control plane of this machine, and only that: the kubelet ends a static pod when its file is gone. To stop kubelet and cri-o would
# stop nothing, since containers live on without them.
STOPPED=/etc/kubernetes/manifests.stopped
CONTROL_PLANE_PARTS='kube-apiserver kube-controller-manager kube-scheduler etcd'
running() { crictl ps -q --state Running --label "io.kubernetes.container.name=$1"; }
part_stopped() { [ -z "$(running "$1")" ]; }
stop_control_plane() {
  install -d -m 0700 "$STOPPED"
  for part in $CONTROL_PLANE_PARTS; do
    [ ! -f "/etc/kubernetes/manifests/$part.yaml" ] || mv "/etc/kubernetes/manifests/$part.yaml" "$STOPPED/"
  done
  for part in $CONTROL_PLANE_PARTS; do
    if systemctl -q is-active kubelet.service && retry 60 2 part_stopped "$part"; then
      continue
    fi
    # No kubelet that could. Nobody starts it again, for its file is gone.
    for container in $(running "$part"); do
      crictl stop --timeout 30 "$container" >/dev/null || true
    done
    part_stopped "$part" || die "$part does not stop; the files are in $STOPPED"
  done
}
start_control_plane() {
  for part in $CONTROL_PLANE_PARTS; do
    [ ! -f "$STOPPED/$part.yaml" ] || mv "$STOPPED/$part.yaml" /etc/kubernetes/manifests/
  done
  rmdir "$STOPPED" 2>/dev/null || true
  # It remembers objects of before.
  systemctl restart kubelet.service
}
