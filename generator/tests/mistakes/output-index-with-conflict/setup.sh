kubezero render -q
sed -i '3i <<<<<<< HEAD' argocd/prod/index.yaml
