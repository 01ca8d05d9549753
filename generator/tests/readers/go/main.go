// Reads YAML files as Kubernetes' Go programs do, and prints one line of JSON for each document.
//
// Each line of the standard input is the path of a file. Its documents are separated by lines `---`, as
// kubectl separates them. An answer is either {"file", "value"} or {"file", "error"}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

type answer struct {
	File  string          `json:"file"`
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		path := lines.Text()
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, document := range strings.Split("\n"+string(text), "\n---\n") {
			found := answer{File: path}
			// Strict: a key that is there twice is an error.
			value, err := yaml.YAMLToJSONStrict([]byte(document))
			if err != nil {
				found.Error = err.Error()
			} else {
				found.Value = value
			}
			if err := encoder.Encode(found); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
}
