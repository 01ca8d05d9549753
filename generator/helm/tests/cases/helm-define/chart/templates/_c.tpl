content of c {{ .Release.Name }}
