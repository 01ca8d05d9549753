kubezero render -q
echo 'kind: ConfigMap' > argocd/prod/manifests/web/mine.yaml
