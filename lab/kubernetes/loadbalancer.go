package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func newLoadBalancerCommand() *cobra.Command {
	var kubeconfig, address string
	command := &cobra.Command{
		Use:           "loadbalancer",
		Short:         "Give Services of type LoadBalancer the address of the node",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			config.QPS = -1 // one client that writes a little: the server's own limits are enough
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return balance(command.Context(), client, address)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster")
	command.Flags().StringVar(&address, "address", "", "address that Services are given")
	return command
}

// balance keeps the status of the load balancer Services in line with plan until the context ends.
func balance(ctx context.Context, client kubernetes.Interface, address string) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // a round is due already
		}
	}
	_, err := services.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), services.Informer().HasSynced) {
		return errors.New("the list of Services did not arrive")
	}
	written := map[types.UID]bool{} // what was written last, for the time until the informer has seen it
	for {
		all, err := services.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		var again <-chan time.Time
		for _, change := range plan(all, written, address) {
			if err := write(ctx, client, change, address); err != nil {
				fmt.Fprintln(os.Stderr, "loadbalancer:", err)
				again = time.After(time.Second)
				continue
			}
			written[change.service.UID] = change.serve
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

type change struct {
	service *corev1.Service
	serve   bool
}

// plan says which Services get the address now and which ones lose it.
//
// A port of the address belongs to one Service for each protocol. Whoever has the address keeps it; the others get it in
// the order of their creation, each as soon as all of its ports are free, and are pending until then.
func plan(services []*corev1.Service, written map[types.UID]bool, address string) []change {
	present := map[types.UID]bool{}
	serves := map[types.UID]bool{}
	for _, service := range services {
		present[service.UID] = true
		ingress := service.Status.LoadBalancer.Ingress
		serves[service.UID] = len(ingress) == 1 && ingress[0].IP == address
		if last, ok := written[service.UID]; ok {
			if last == serves[service.UID] {
				delete(written, service.UID) // the informer has it: from here on it is what counts
			}
			serves[service.UID] = last
		}
	}
	for uid := range written {
		if !present[uid] {
			delete(written, uid)
		}
	}
	order := slices.Clone(services)
	slices.SortFunc(order, func(a, b *corev1.Service) int {
		if serves[a.UID] != serves[b.UID] {
			if serves[a.UID] {
				return -1
			}
			return 1
		}
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(string(a.UID), string(b.UID))
	})
	taken := map[string]bool{}
	var changes []change
	for _, service := range order {
		serve := service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil &&
			service.DeletionTimestamp == nil
		for _, port := range service.Spec.Ports {
			serve = serve && !taken[claim(port)]
		}
		if serve {
			for _, port := range service.Spec.Ports {
				taken[claim(port)] = true
			}
		}
		if serve != serves[service.UID] && service.DeletionTimestamp == nil {
			changes = append(changes, change{service, serve})
		}
	}
	return changes
}

func claim(port corev1.ServicePort) string {
	return fmt.Sprintf("%s/%d", port.Protocol, port.Port)
}

func write(ctx context.Context, client kubernetes.Interface, change change, address string) error {
	ingress := []corev1.LoadBalancerIngress{}
	if change.serve {
		ingress = append(ingress, corev1.LoadBalancerIngress{IP: address})
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": ingress}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Services(change.service.Namespace).Patch(
		ctx, change.service.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
