{{- define "demo.name" -}}
{{ .Chart.Name }}-{{ .Release.Name }}
{{- end }}
{{- define "plain" }}  plain {{ . }}  {{ end -}}
{{ define "redefined" }}first{{ end }}
{{- define "nothing" }}{{ end }}
{{- define "recursive" }}{{ . }}{{ if gt (int .) 0 }},{{ include "recursive" (sub . 1) }}{{ end }}{{ end }}
{{- define "vars" }}{{ $ | toJson }}{{ end }}
