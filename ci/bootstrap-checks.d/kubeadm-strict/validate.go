//go:build validate

package main

import kubeadm "k8s.io/kubernetes/cmd/kubeadm/app/util/config"

// As `kubeadm config validate` does: defaults, then its own validation. It needs clients for the API, so it takes three times as long to build.
func init() {
	validate = func(text []byte) error { return kubeadm.ValidateConfig(text, false) }
}
