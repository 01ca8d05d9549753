#!/bin/sh
# first-boot.sh NODES STATE MACHINE: runs kubezero-bootstrap of the bundles below NODES with programs that only pretend. STATE is the folder that
# stands for the cloud's parameters and buckets. MACHINE is a slot for a controller, or `worker`. For bundles of aws.
#
# Runs in namespaces of its own: unshare -rm sh first-boot.sh …; what it changes in /etc and /usr/local is gone with them.
set -eu
nodes=$1 state=$2 machine=$3
case $machine in worker) bundle=worker ;; *) bundle=control-plane ;; esac
work=$(mktemp -d)
cp -r "$nodes/$bundle" "$work/bundle"
mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/etc
cp /etc/passwd /etc/group /etc/hosts /mnt/etc/
[ ! -e /etc/alternatives ] || cp -a /etc/alternatives /mnt/etc/
cp -r "$work/bundle/." /mnt/
mkdir -p /mnt/fake
mount --bind /mnt/etc /etc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/local
cp -r "$work/bundle/usr/local/." /run/local/
rm -rf "$work"
mount --bind /run/local /usr/local
chmod +x /usr/local/sbin/*

cat >/etc/kubezero/node.env <<ENV
PLATFORM=aws
CLUSTER=test
ROLE=$bundle
GROUP=general
SLOT=$machine
ZONE=
LABELS=example.com/kind=general
TAINTS=dedicated=a:NoSchedule
API_ENDPOINT=api.test:6443
REGION=test
CONFIG_BUCKET=test-config
API_RECORD_ZONE=
ENV
fake() {
  { echo '#!/bin/sh'; cat; } >"/mnt/fake/$1"
  chmod +x "/mnt/fake/$1"
}
for name in apt-get apt-mark systemctl modprobe sysctl swapoff hostname hostnamectl crio crictl kubelet chronyc mkfs.xfs nft sleep age; do
  fake "$name" </dev/null
done
fake kubezero-disks <<'FAKE'
mkdir -p /var/lib/etcd
FAKE
cp /mnt/fake/kubezero-disks /usr/local/sbin/kubezero-disks
fake age-keygen <<'FAKE'
echo AGE-SECRET-KEY-TEST
FAKE
# The metadata service, asked for a token first.
fake curl <<FAKE
case \$* in
*api/token*) echo token ;;
*instance-id) echo i-$machine ;;
*local-hostname) echo node-$machine.test ;;
*local-ipv4) echo 10.0.0.9 ;;
*availability-zone) echo test-a ;;
*instance-type) echo m.large ;;
esac
FAKE
fake kubeadm <<'FAKE'
make() {
  for key; do
    [ ! -e "/etc/kubernetes/pki/$key" ] || [ -s "/etc/kubernetes/pki/$key" ] || { echo "an empty $key was left behind" >&2; exit 1; }
    mkdir -p "$(dirname "/etc/kubernetes/pki/$key")"
    [ -s "/etc/kubernetes/pki/$key" ] || echo "$key $$" >"/etc/kubernetes/pki/$key"
  done
}
case $* in
version*) sed -n "s/^KUBERNETES_MINOR='\(.*\)'/v\1./p;s/^KUBERNETES_PATCH='\(.*\)'/\1/p" /etc/kubezero/bundle.env | tr -d '\n' ;;
*"certs ca "*) make ca.crt ca.key ;;
*"certs front-proxy-ca "*) make front-proxy-ca.crt front-proxy-ca.key ;;
*"certs etcd-ca "*) make etcd/ca.crt etcd/ca.key ;;
*"certs sa "*) make sa.key sa.pub ;;
*"kubeconfig admin"*) echo test >/etc/kubernetes/admin.conf ;;
"token create"*) echo abcdef.0123456789abcdef ;;
"join "*) grep -q 'token: "\?abcdef.0123456789abcdef' /run/kubezero-discovery.conf && ! grep -q '@[A-Z_]*@' /run/kubezero-join.yaml && echo "did join" ;;
"init --config"*) ! grep -q '@[A-Z_]*@' /run/kubezero-init.yaml && echo "did init" ;;
esac
FAKE
fake kubectl <<'FAKE'
case $* in
*kubeadm-config*) sed -n "s/^KUBERNETES_MINOR='\(.*\)'/kubernetesVersion: v\1./p;s/^KUBERNETES_PATCH='\(.*\)'/\1/p" /etc/kubezero/bundle.env | tr -d '\n' ;;
*"get nodes"*) echo node/node-other.test ;;
esac
FAKE
fake aws <<FAKE
parameter=$state/\$(echo "\$*" | sed -n 's/.*--name \([^ ]*\).*/\1/p' | tr / _)
case "\$1 \$2" in
"ssm get-parameter")
  [ -f "\$parameter" ] || exit 255
  case \$* in *LastModifiedDate*) echo 2020-01-01 ;; *) cat "\$parameter"; echo ;; esac
  ;;
"ssm put-parameter")
  case \$* in *--overwrite*) ;; *) [ ! -f "\$parameter" ] || exit 255 ;; esac
  cat "\$(echo "\$*" | sed -n 's|.*file://\([^ ]*\).*|\1|p')" >"\$parameter"
  ;;
"s3api list-objects-v2") if [ -f "$state/marker" ]; then echo 1; else echo 0; fi ;;
"s3api put-object") [ ! -f "$state/marker" ] && cat /run/kubezero-claim >"$state/marker" ;;
"s3 cp") case \$* in *cluster/initialised*) cat "$state/marker" ;; esac ;;
esac
FAKE
PATH=/mnt/fake:/usr/local/sbin:$PATH sh -eu /usr/local/sbin/kubezero-bootstrap
