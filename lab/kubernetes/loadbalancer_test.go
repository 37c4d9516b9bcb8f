package main

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const address = "192.0.2.1"

// balancer is a load balancer Service called name, created that many seconds after the first, on TCP ports.
func balancer(name string, seconds int, held bool, ports ...int32) *corev1.Service {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID(name), CreationTimestamp: metav1.Unix(int64(seconds), 0),
	}}
	service.Spec.Type = corev1.ServiceTypeLoadBalancer
	for _, port := range ports {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Port: port, Protocol: corev1.ProtocolTCP})
	}
	if held {
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address}}
	}
	return service
}

func TestPlan(t *testing.T) {
	udp := balancer("udp", 2, false, 80)
	udp.Spec.Ports[0].Protocol = corev1.ProtocolUDP
	internal := balancer("internal", 1, true, 80)
	internal.Spec.Type = corev1.ServiceTypeClusterIP
	elsewhere := balancer("elsewhere", 1, false, 80)
	elsewhere.Spec.LoadBalancerClass = new(string)
	leaving := balancer("leaving", 1, true, 80)
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(9, 0)}

	for name, test := range map[string]struct {
		services []*corev1.Service
		written  map[types.UID]bool
		want     []string
	}{
		"the first one created gets a port":    {services: []*corev1.Service{balancer("b", 2, false, 80), balancer("a", 1, false, 80)}, want: []string{"+a"}},
		"who has a port keeps it":              {services: []*corev1.Service{balancer("b", 2, true, 80), balancer("a", 1, false, 80)}},
		"all ports have to be free":            {services: []*corev1.Service{balancer("a", 1, true, 80), balancer("b", 2, false, 81, 80), balancer("c", 3, false, 81)}, want: []string{"+c"}},
		"a protocol has ports of its own":      {services: []*corev1.Service{balancer("a", 1, true, 80), udp}, want: []string{"+udp"}},
		"a port is free when its holder goes":  {services: []*corev1.Service{leaving, balancer("b", 2, false, 80)}, want: []string{"+b"}},
		"no load balancer any more":            {services: []*corev1.Service{internal, balancer("b", 2, false, 80)}, want: []string{"-internal", "+b"}},
		"another controller's":                 {services: []*corev1.Service{elsewhere}},
		"two holders of a port after a change": {services: []*corev1.Service{balancer("a", 1, true, 80), balancer("b", 2, true, 80)}, want: []string{"-b"}},
		"what was written counts before it is seen": {
			services: []*corev1.Service{balancer("b", 2, false, 80), balancer("a", 1, false, 80)},
			written:  map[types.UID]bool{"b": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.written == nil {
				test.written = map[types.UID]bool{}
			}
			var got []string
			for _, change := range plan(test.services, test.written, address) {
				got = append(got, map[bool]string{true: "+", false: "-"}[change.serve]+change.service.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
