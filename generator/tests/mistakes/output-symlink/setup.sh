kubezero render -q
rm argocd/prod/root.yaml
ln -s /etc/hostname argocd/prod/root.yaml
