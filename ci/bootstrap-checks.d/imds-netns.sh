#!/bin/sh
# imds-netns.sh FILE [NODE_ADDRESS]: do the rules in FILE keep a pod away from the metadata service, and nobody else?
#
# Runs in namespaces of its own: `unshare -rnm sh imds-netns.sh imds.nft`. A pod, the machine and a metadata service are three network
# namespaces. With `dnat` in FILE a pod must reach kiam's agent instead. Needs nft, ip, curl and python3.
set -eu
rules=$1 failed=0
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/service /run/agent
echo service >/run/service/index.html
echo agent >/run/agent/index.html
ip link set lo up
ip netns add pod
ip netns add service
ip link add cali0 type veth peer name eth0 netns pod
ip link add up0 type veth peer name eth0 netns service
ip link set cali0 up
ip addr add 10.9.0.1/24 dev up0
ip link set up0 up
ip addr add 169.254.1.1/32 dev cali0
ip route add 10.1.1.2/32 dev cali0
ip -n pod addr add 10.1.1.2/32 dev eth0
ip -n pod link set eth0 up
ip -n pod route add 169.254.1.1 dev eth0
ip -n pod route add default via 169.254.1.1 dev eth0
ip -n service addr add 10.9.0.2/24 dev eth0
ip -n service addr add 169.254.169.254/32 dev eth0
ip -n service link set eth0 up
ip -n service link set lo up
ip -n service route add default via 10.9.0.1
ip route add 169.254.169.254/32 via 10.9.0.2
echo 1 >/proc/sys/net/ipv4/ip_forward
ip netns exec service python3 -m http.server 80 --bind 0.0.0.0 --directory /run/service >/dev/null 2>&1 &
service=$!
python3 -m http.server 8181 --bind 10.9.0.1 --directory /run/agent >/dev/null 2>&1 &
agent=$!
trap 'kill $service $agent 2>/dev/null' EXIT

ask() { curl -s -m 2 "http://$1/" || echo nobody; }
pod() { ip netns exec pod curl -s -m 2 "http://$1/" || echo nobody; }
expect() {
  if [ "$2" = "$3" ]; then
    echo "ok: $1: $3"
  else
    echo "FAILED: $1: $3, and not $2"
    failed=1
  fi
}
try=0
until [ "$(ask 169.254.169.254)" = service ] && [ "$(ask 10.9.0.1:8181)" = agent ]; do
  try=$((try + 1))
  [ "$try" -lt 50 ] || break
  sleep 0.1
done
if grep -q 'dnat to' "$rules"; then instead=agent; else instead=nobody; fi
# Without the rules the test must see what they prevent, or it would prove nothing.
expect "without rules a pod reaches the metadata service" service "$(pod 169.254.169.254)"
nft -D node_ip=10.9.0.1 -f "$rules"
expect "a pod that asks the metadata service gets" "$instead" "$(pod 169.254.169.254)"
expect "the machine itself gets" service "$(ask 169.254.169.254)"
expect "a pod that asks another address gets" service "$(pod 10.9.0.2)"
# As Calico does: everything is accepted early, in a filter chain after ours.
nft add table ip other
nft 'add chain ip other forward { type filter hook forward priority -10; policy accept; }'
nft add rule ip other forward accept
expect "with an early accept in another table a pod gets" "$instead" "$(pod 169.254.169.254)"
# A pod that sends to another port finds nothing there, redirected or not.
ip netns exec service python3 -m http.server 8080 --bind 0.0.0.0 --directory /run/service >/dev/null 2>&1 &
other=$!
trap 'kill $service $agent $other 2>/dev/null' EXIT
sleep 0.5
expect "a pod that asks the metadata service on another port gets" nobody "$(pod 169.254.169.254:8080)"
nft -D node_ip=10.9.0.1 -f "$rules"
expect "loaded a second time, a pod gets" "$instead" "$(pod 169.254.169.254)"
exit "$failed"
