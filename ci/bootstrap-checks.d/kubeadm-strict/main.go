// Strict decoding of what kubeadm, the kubelet, kube-proxy and the API server read, with their own types.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiserver "k8s.io/apiserver/pkg/apis/apiserver/install"
	audit "k8s.io/apiserver/pkg/apis/audit/install"
	kubeproxy "k8s.io/kube-proxy/config/v1alpha1"
	kubelet "k8s.io/kubelet/config/v1beta1"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"
	eventratelimit "k8s.io/kubernetes/plugin/pkg/admission/eventratelimit/apis/eventratelimit/install"
	podsecurity "k8s.io/pod-security-admission/admission/api/scheme"
)

// What kubeadm says of values. validate.go has it, for those who have the time to build it.
var validate = func([]byte) error { return nil }

func main() {
	scheme := runtime.NewScheme()
	kubeadm.AddToScheme(scheme)
	podsecurity.AddToScheme(scheme)
	apiserver.Install(scheme)
	audit.Install(scheme)
	eventratelimit.Install(scheme)
	// The types alone: the packages that hold kubelet's and kube-proxy's schemes bring half of Kubernetes with them.
	utilruntime.Must(kubelet.AddToScheme(scheme))
	utilruntime.Must(kubeproxy.AddToScheme(scheme))
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	wrong := 0
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Println(err)
			wrong++
			continue
		}
		isKubeadm := false
		reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				fmt.Printf("%s: %v\n", name, err)
				wrong++
				break
			}
			if len(bytes.TrimSpace(document)) == 0 {
				continue
			}
			_, kind, failure := decoder.Decode(document, nil, nil)
			if kind != nil && kind.Group == "kubeadm.k8s.io" {
				isKubeadm = true
			}
			if failure != nil {
				fmt.Printf("%s: %v\n", name, failure)
				wrong++
			}
		}
		if isKubeadm {
			if err := validate(text); err != nil {
				fmt.Printf("%s: %v\n", name, err)
				wrong++
			}
		}
	}
	if wrong > 0 {
		os.Exit(1)
	}
}
