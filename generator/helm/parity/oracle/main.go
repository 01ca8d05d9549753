// Command oracle renders templates with Helm's own engine. It reads one case a line from standard input and answers one line each.
//
//	{"templates": {"templates/a.yaml": "{{ .Values.a }}"}, "values": "a: 1"}
//	{"rendered": {"templates/a.yaml": "1"}}
//	{"error": "..."}
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

type question struct {
	Templates map[string]string `json:"templates"`
	Values    string            `json:"values"`
}

type answer struct {
	Rendered map[string]string `json:"rendered,omitempty"`
	Error    string            `json:"error,omitempty"`
	Late     bool              `json:"late,omitempty"`
}

const root = "c"

func render(q question) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(q.Values), &values); err != nil {
		return answer{Error: "values: " + err.Error()}
	}
	c := &chart.Chart{Metadata: &chart.Metadata{Name: root, APIVersion: "v2", Version: "0.1.0"}}
	for name, text := range q.Templates {
		c.Templates = append(c.Templates, &common.File{Name: name, Data: []byte(text)})
	}
	rendered, err := engine.Render(c, common.Values{
		"Values":       values,
		"Chart":        c.Metadata,
		"Capabilities": map[string]any{},
		"Release": map[string]any{
			"Name": "rel", "Namespace": "ns", "IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm",
		},
	})
	if err != nil {
		return answer{Error: err.Error()}
	}
	a.Rendered = map[string]string{}
	for name, text := range rendered {
		a.Rendered[strings.TrimPrefix(name, root+"/")] = text
	}
	return a
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var q question
			if err := json.Unmarshal(line, &q); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			done := make(chan answer, 1)
			go func() { done <- render(q) }()
			var a answer
			select {
			case a = <-done:
			case <-time.After(10 * time.Second):
				a = answer{Late: true}
			}
			if err := encode.Encode(a); err != nil {
				os.Exit(1)
			}
			if a.Late {
				// What still runs cannot be stopped otherwise.
				out.Flush()
				os.Exit(3)
			}
			if in.Buffered() == 0 {
				out.Flush()
			}
		}
		if err != nil {
			break
		}
	}
	out.Flush()
}
