kubezero render -q
sed -i 's/Hello/Goodbye/' argocd/prod/manifests/web/configmap-page_web.yaml || sed -i 's/Hello/Goodbye/' argocd/prod/manifests/web/*.yaml
