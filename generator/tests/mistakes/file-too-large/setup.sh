head -c 1100000 /dev/zero | tr '\0' '#' >> environments/layers/size/overlay.yaml
