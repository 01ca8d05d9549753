line
{{ define "x" }}
{{ nope }}
{{ end }}