{{- define "password" }}
{{- if .Values.password }}{{ .Values.password }}{{ else }}{{ randAlphaNum 10 }}{{ end }}
{{- end }}
