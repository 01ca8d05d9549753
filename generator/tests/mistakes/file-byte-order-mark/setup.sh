{ printf '\xef\xbb\xbf'; cat environments/layers/size/overlay.yaml; } > new
mv new environments/layers/size/overlay.yaml
