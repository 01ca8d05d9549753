{{- define "one" }}
{{ include "two" . }}
{{- end }}
{{- define "two" }}{{ template "three" .Values }}{{ end }}
{{- define "three" }}

x {{ .name.broken }}{{ end }}
{{- define "loop" }}{{ include "loop" . }}{{ end }}
{{- define "tloop" }}{{ template "tloop" . }}{{ end }}
{{- define "ping" }}{{ include "pong" . }}{{ end }}
{{- define "pong" }}{{ include "ping" . }}{{ end }}
{{- define "failing" }}{{ include "deeper" . }}{{ end }}
{{- define "deeper" }}
{{ fail "from deep" }}{{ end }}
{{- define "requiring" }}{{ .Values.missing | required "needed: value" }}{{ end }}
