{ printf 'components: '; for _ in $(seq 100); do printf '{a: '; done; for _ in $(seq 100); do printf '}'; done; echo; } > environments/layers/size/overlay.yaml
