{{ define "lib.name" }}lib-{{ .Chart.Name }}-{{ .Release.Name }}{{ end }}
