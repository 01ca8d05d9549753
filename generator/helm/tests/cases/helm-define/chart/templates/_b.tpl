{{ define "redefined" }}second{{ end }}{{ define "with space/and.dots-é" }}odd{{ end }}{{ block "blk" "arg" }}default {{ . }}{{ end }}
{{ define "inner" }}inner {{ . }}{{ end }}