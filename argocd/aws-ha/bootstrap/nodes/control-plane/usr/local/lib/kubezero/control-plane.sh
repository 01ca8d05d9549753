# shellcheck shell=sh
# The part of kubezero-bootstrap that only controllers have. It makes the cluster once, joins it, or brings it back.

admin() { kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
admin_ready() { admin get --raw /readyz >/dev/null 2>&1; }

# The cluster's keys, before anything runs, so that they are kept safe before anything depends on them.
make_keys() {
  for part in ca front-proxy-ca etcd-ca sa; do
    kubeadm init phase certs "$part" --config /run/kubezero-init.yaml >/dev/null
  done
  if [ ! -s /etc/kubernetes/encryption/config.yaml ]; then
    key=$(head -c 32 /dev/urandom | base64)
    private /etc/kubernetes/encryption/config.yaml <<CONFIG
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox: {keys: [{name: key1, secret: "$key"}]}
      - identity: {}
CONFIG
  fi
  [ -s /etc/kubernetes/backup/identity ] || age-keygen 2>/dev/null | private /etc/kubernetes/backup/identity
  have_keys || die "not all keys could be made"
}

init() {
  # The only controller finds its data where a new one would have none; one that was interrupted finds its own files. kubeadm writes over them.
  ignore=$1
  [ ! -f /etc/kubernetes/manifests/kube-apiserver.yaml ] || ignore=all
  kubeadm init --config /run/kubezero-init.yaml --skip-token-print --ignore-preflight-errors="$ignore" || die "kubeadm init failed: see above, journalctl -u kubelet and crictl ps -a"
}

# Forgets what is left in the cluster of the machine that had this controller's disk before.
forget() {
  former=$(cat /var/lib/etcd/node-name 2>/dev/null || true)
  for peer in $(admin get nodes -l node-role.kubernetes.io/control-plane -o name); do
    peer=${peer#node/}
    case $peer in "$former" | "$NODE_NAME") continue ;; esac
    members=$(admin -n kube-system exec "etcd-$peer" -- etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt \
      --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key member list 2>/dev/null) || continue
    for name in $former $NODE_NAME; do
      id=$(echo "$members" | sed -n "s/^\([0-9a-f]*\), [^,]*, $name, .*/\1/p")
      [ -n "$id" ] || continue
      say "taking $name out of etcd"
      admin -n kube-system exec "etcd-$peer" -- etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt \
        --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key member remove "$id" || return 1
    done
    break
  done
  # The name may be this machine's own: it registers anew.
  for name in $former $NODE_NAME; do
    admin delete node "$name" --ignore-not-found
  done
}

join_control_plane() {
  # Called by retry: nothing here stops the script by itself.
  kubeadm init phase kubeconfig admin --config /run/kubezero-init.yaml >/dev/null || return 1
  retry 80 15 admin_ready || die "no API server answers at $API_ENDPOINT. If no controller is left that could: kubezero-bootstrap restore latest; see bootstrap/README.md"
  cp /etc/kubernetes/admin.conf /run/kubezero-admin.conf
  forget || return 1
  # What is there of etcd is that of a member that is no more; the others have it all.
  rm -rf /var/lib/etcd/data
  # The first new controller after a change of the release: the others run the older one, and kubeadm goes by what the cluster says.
  said=$(admin -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' | sed -n 's/^kubernetesVersion: v//p')
  [ -n "$said" ] || return 1
  mine=$KUBERNETES_MINOR.$KUBERNETES_PATCH
  if [ "$said" != "$mine" ]; then
    [ "$(printf '%s\n%s\n' "$said" "$mine" | sort -V | tail -n 1)" = "$mine" ] || die "the cluster runs v$said, and this bundle is of v$mine: there is no way back"
    say "the cluster goes from v$said to v$mine with this controller"
    kubeadm init phase upload-config all --config /run/kubezero-init.yaml || return 1
  fi
  token=$(kubeadm token create --kubeconfig /etc/kubernetes/admin.conf --ttl 30m --description "controller $NODE_NAME") || return 1
  discovery "$token" </etc/kubernetes/pki/ca.crt | private /run/kubezero-discovery.conf
  kubeadm_config join "$token" | private /run/kubezero-join.yaml
  if ! kubeadm join --config /run/kubezero-join.yaml; then
    say "could not join; cleaning up"
    # A reset takes the keys along, which are not its own.
    rm -rf /run/kubezero-pki
    cp -a /etc/kubernetes/pki /run/kubezero-pki
    KUBECONFIG=/run/kubezero-admin.conf kubeadm reset --force --cri-socket unix:///var/run/crio/crio.sock >/dev/null 2>&1 || true
    for file in $SHARED_KEYS; do
      case $file in pki/*) install -D -m 0600 "/run/kubezero-$file" "/etc/kubernetes/$file" ;; esac
    done
    rm -rf /run/kubezero-pki
    rm -rf /var/lib/etcd/data
    return 1
  fi
  if [ "$said" != "$mine" ]; then
    kubeadm init phase addon all --config /run/kubezero-init.yaml || say "CoreDNS and kube-proxy stay as they were: kubeadm init phase addon all"
  fi
}

# Some API server answers where machines look for it.
api_answers() { curl -sk -m 5 -o /dev/null "https://$API_ENDPOINT/livez"; }

# No control plane is left: this controller becomes the first of the same cluster, out of a snapshot. The others join it.
bring_back() {
  # Interrupted after the data was there: it must not join now what it serves itself, nor begin anew.
  if [ ! -f /etc/kubernetes/kubezero-restoring ] || { [ -n "$RESTORE" ] && ! api_answers; }; then
    if api_answers; then
      die "an API server answers at $API_ENDPOINT: nothing is to be brought back here. This controller joins by kubezero-bootstrap; wrong data: kubezero-etcd-restore"
    fi
    retry 4 15 get_keys || die "the cluster's keys are not in /kubezero/$CLUSTER/control-plane/, and no snapshot can be opened without them; see bootstrap/README.md"
    # Where somebody brought them, the others find them.
    put_keys
    /usr/local/sbin/kubezero-etcd-restore --offline "$RESTORE" "$NODE_NAME" "$NODE_IP"
    date -u >/etc/kubernetes/kubezero-restoring
  fi
  record
  # After an interrupted attempt the kubelet runs already.
  init DirAvailable--var-lib-etcd-data,Port-10250
  # The controllers of before, which are no more; their Nodes would hold back what asks for all of them.
  for node in $(admin get nodes -l node-role.kubernetes.io/control-plane -o name); do
    [ "$node" = "node/$NODE_NAME" ] || admin delete "$node"
  done
}

get_keys() {
  for file in $SHARED_KEYS; do
    [ ! -s "/etc/kubernetes/$file" ] || continue
    # Nothing empty is left behind: kubeadm would take it for a key.
    text=$(parameter_get "control-plane/$file" 2>/dev/null) || continue
    [ -z "$text" ] || echo "$text" | private "/etc/kubernetes/$file"
  done
  have_keys
}
put_keys() {
  for file in $SHARED_KEYS; do
    # Never over another one: whoever was first has made the cluster's.
    parameter_put "control-plane/$file" "/etc/kubernetes/$file" 2>/run/kubezero-error ||
      [ "$(parameter_get "control-plane/$file" 2>/dev/null)" = "$(cat "/etc/kubernetes/$file")" ] ||
      die "/kubezero/$CLUSTER/control-plane/$file holds another key than this controller; nothing is changed: $(cat /run/kubezero-error)"
  done
}

# The marker of the cluster: whoever writes it first makes the cluster. Answers with the instance that did.
claimed_by() {
  # By listing: whoever may not list everything is told "forbidden" about what is not there.
  count=$(aws s3api list-objects-v2 --region "$REGION" --bucket "$CONFIG_BUCKET" --prefix cluster/initialised --query KeyCount --output text) || return 1
  [ "$count" = 0 ] || aws s3 cp --region "$REGION" --only-show-errors "s3://$CONFIG_BUCKET/cluster/initialised" -
}
claim() {
  echo "$INSTANCE" >/run/kubezero-claim
  aws s3api put-object --region "$REGION" --bucket "$CONFIG_BUCKET" --key cluster/initialised --body /run/kubezero-claim --if-none-match '*' >/dev/null 2>/run/kubezero-error
}

# With endpoint dns: this controller's own address under the name of the API. One record for each slot, which a successor replaces.
record() {
  [ -n "$API_RECORD_ZONE" ] || return 0
  cat >/run/kubezero-record.json <<RECORD
{"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "${API_ENDPOINT%:*}", "Type": "A", "SetIdentifier": "$CLUSTER-$SLOT", "MultiValueAnswer": true, "TTL": 30, "ResourceRecords": [{"Value": "$NODE_IP"}]}}]}
RECORD
  aws route53 change-resource-record-sets --hosted-zone-id "$API_RECORD_ZONE" --change-batch file:///run/kubezero-record.json >/dev/null ||
    die "cannot enter $NODE_IP under ${API_ENDPOINT%:*}"
}

control_plane_new() {
  owner=$(claimed_by) || die "cannot read the marker of the cluster, s3://$CONFIG_BUCKET/cluster/initialised"
  if [ -z "$owner" ]; then
    if [ "$SLOT" = "$FIRST_SLOT" ] && claim; then
      owner=$INSTANCE
    else
      say "slot $FIRST_SLOT makes the cluster; waiting for its keys"
    fi
  fi
  if [ "$owner" = "$INSTANCE" ]; then
    say "making the cluster $CLUSTER"
    get_keys || make_keys
    put_keys
    record
    init none
    return
  fi
  retry 80 15 get_keys || die "the cluster's keys are not in /kubezero/$CLUSTER/control-plane/ after 20 minutes. If the cluster has never been up, delete s3://$CONFIG_BUCKET/cluster/initialised and replace the controller of slot $FIRST_SLOT"
  if [ "$CONTROLLERS" -gt 1 ]; then
    retry 5 30 join_control_plane || die "kubeadm could not join: see above and journalctl -u kubelet"
    record
    return
  fi
  # The only controller. Its volume has the cluster; where it is empty, the last snapshot has.
  if [ ! -d /var/lib/etcd/data/member ]; then
    say "the volume of etcd is empty"
    /usr/local/sbin/kubezero-etcd-restore --offline latest "$NODE_NAME" "$NODE_IP"
  fi
  record
  init DirAvailable--var-lib-etcd-data
  former=$(cat /var/lib/etcd/node-name 2>/dev/null || true)
  [ -z "$former" ] || [ "$former" = "$NODE_NAME" ] || admin delete node "$former" --ignore-not-found
}

control_plane() {
  mkdir -p /var/log/kubernetes /etc/kubernetes/encryption
  chmod 0700 /etc/kubernetes/encryption
  {
    kubeadm_config init ''
    for part in cluster kubelet proxy; do
      [ ! -f "/etc/kubezero/kubeadm/$part.yaml" ] || { echo ---; cat "/etc/kubezero/kubeadm/$part.yaml"; }
    done
  } | private /run/kubezero-init.yaml
  if [ -n "$RESTORE" ] || [ -f /etc/kubernetes/kubezero-restoring ]; then
    bring_back
  elif [ -f /etc/kubernetes/kubezero-done ]; then
    say "this is a controller already"
    systemctl restart kubelet.service
  else
    control_plane_new
  fi
  retry 60 5 admin_ready || die "the API server is not ready: crictl ps -a"
  echo "$NODE_NAME" >/var/lib/etcd/node-name
  date -u >/etc/kubernetes/kubezero-done
  rm -f /etc/kubernetes/kubezero-making /etc/kubernetes/kubezero-restoring
  systemctl enable -q --now kubezero-etcd-snapshot.timer kubezero-certificates.timer
  parameter_put worker/ca.crt /etc/kubernetes/pki/ca.crt --overwrite
  systemctl enable -q --now kubezero-join-token.timer
  /usr/local/sbin/kubezero-join-token
  if [ -n "$OIDC_BUCKET" ]; then
    # What AWS checks the pods' tokens with. Public, and the same on every controller.
    admin get --raw /.well-known/openid-configuration >/run/kubezero-issuer.json
    admin get --raw /openid/v1/jwks >/run/kubezero-jwks.json
    aws s3 cp --region "$REGION" --only-show-errors --content-type application/json /run/kubezero-issuer.json "s3://$OIDC_BUCKET/.well-known/openid-configuration"
    aws s3 cp --region "$REGION" --only-show-errors --content-type application/json /run/kubezero-jwks.json "s3://$OIDC_BUCKET/openid/v1/jwks"
  fi
  rm -f /run/kubezero-init.yaml /run/kubezero-join.yaml /run/kubezero-discovery.conf /run/kubezero-admin.conf
  say "the control plane is up"
}
