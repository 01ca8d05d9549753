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
