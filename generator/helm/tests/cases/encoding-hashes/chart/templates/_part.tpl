{{- define "part" }}x: {{ .Release.Name }}{{ end }}
