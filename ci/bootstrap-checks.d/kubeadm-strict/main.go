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
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme"
	kubeadmutil "k8s.io/kubernetes/cmd/kubeadm/app/util/config"
	kubelet "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	kubeproxy "k8s.io/kubernetes/pkg/proxy/apis/config/scheme"
	eventratelimit "k8s.io/kubernetes/plugin/pkg/admission/eventratelimit/apis/eventratelimit/install"
	podsecurity "k8s.io/pod-security-admission/admission/api/scheme"
)

func main() {
	scheme := runtime.NewScheme()
	kubeadm.AddToScheme(scheme)
	podsecurity.AddToScheme(scheme)
	apiserver.Install(scheme)
	audit.Install(scheme)
	eventratelimit.Install(scheme)
	own := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	_, letFactory, err := kubelet.NewSchemeAndCodecs(serializer.EnableStrict)
	utilruntime.Must(err)
	proxy := serializer.NewCodecFactory(kubeproxy.Scheme, serializer.EnableStrict).UniversalDeserializer()
	decoders := []runtime.Decoder{own, letFactory.UniversalDeserializer(), proxy}
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
			var failure error
			for _, decoder := range decoders {
				_, kind, err := decoder.Decode(document, nil, nil)
				if kind != nil && kind.Group == "kubeadm.k8s.io" {
					isKubeadm = true
				}
				if err == nil {
					failure = nil
					break
				}
				if !runtime.IsNotRegisteredError(err) || failure == nil {
					failure = err
				}
				if !runtime.IsNotRegisteredError(err) {
					break
				}
			}
			if failure != nil {
				fmt.Printf("%s: %v\n", name, failure)
				wrong++
			}
		}
		if isKubeadm {
			// As `kubeadm config validate` does: defaults, then its own validation.
			if err := kubeadmutil.ValidateConfig(text, false); err != nil {
				fmt.Printf("%s: %v\n", name, err)
				wrong++
			}
		}
	}
	if wrong > 0 {
		os.Exit(1)
	}
}
