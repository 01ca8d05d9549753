command -v flock >/dev/null || { echo "flock is not installed"; exit 77; }
kubezero render -q
rm -r argocd/prod
printf "4242\nkubezero render prod\n" > argocd/.kubezero/lock
